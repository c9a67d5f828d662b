"""The networks: operators down and up, encoders, latents, decoders, and the autoencoder that they make."""

from hourglass.nn.autoencoder import Autoencoder, Reconstruction
from hourglass.nn.contract import Coded, CodeSpec, Encoded, Judged
from hourglass.nn.decoders import ConvDecoder, LinearDecoder
from hourglass.nn.encoders import ConvEncoder, LinearEncoder
from hourglass.nn.latents import (
    DenseLatent,
    FSQLatent,
    GaussianLatent,
    LFQLatent,
    NoLatent,
    SimVQLatent,
    SpatialGaussianLatent,
    VQLatent,
)  # fmt: skip
from hourglass.nn.operators import *  # noqa: F403
from hourglass.nn.operators import __all__ as _operators

__all__ = [
    "Autoencoder", "CodeSpec", "Coded", "ConvDecoder", "ConvEncoder", "DenseLatent", "Encoded", "FSQLatent",
    "GaussianLatent", "Judged", "LFQLatent", "LinearDecoder", "LinearEncoder", "NoLatent", "Reconstruction",
    "SimVQLatent", "SpatialGaussianLatent", "VQLatent", *_operators,
]  # fmt: skip
