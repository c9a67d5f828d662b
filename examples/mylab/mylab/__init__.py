from mylab.callback import WatchCode
from mylab.corruption import Contrast
from mylab.down import SoftPool
from mylab.latent import Rounded
from mylab.loss import Perceptual
from mylab.metric import EdgeError
from mylab.networks import PatchDecoder, PatchEncoder
from mylab.source import Discs
from mylab.up import BicubicUp

__all__ = [
    "BicubicUp", "Contrast", "Discs", "EdgeError", "PatchDecoder", "PatchEncoder", "Perceptual", "Rounded", "SoftPool",
    "WatchCode",
]  # fmt: skip
