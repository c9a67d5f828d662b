"""Parts for Hourglass. `_target_` names what is exported here, so files may move."""

from mylab.callbacks import WatchCode
from mylab.data import Contrast, Discs
from mylab.judges import EdgeError, Perceptual
from mylab.latents import Rounded
from mylab.operators import BicubicUp, SoftPool

__all__ = ["BicubicUp", "Contrast", "Discs", "EdgeError", "Perceptual", "Rounded", "SoftPool", "WatchCode"]
