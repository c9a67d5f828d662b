"""What Hourglass holds its own parts to, for parts of other packages: `check_down(partial(MyDown, factor=2, init=…))`.

Every check takes what makes the part, called as Hourglass calls it, and raises AssertionError with a sentence that says
what is expected. None needs a test runner, reads a configuration, or changes the state of the global random generator.
"""

from hourglass.testing.data import check_augmentation, check_corruption, check_source
from hourglass.testing.judges import check_loss, check_metric
from hourglass.testing.networks import check_decoder, check_encoder, check_latent
from hourglass.testing.operators import check_down, check_up

__all__ = [
    "check_augmentation", "check_corruption", "check_decoder", "check_down", "check_encoder", "check_latent",
    "check_loss", "check_metric", "check_source", "check_up",
]  # fmt: skip
