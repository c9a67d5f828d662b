"""Training: objective, optimizers, trainer, exact resume, callbacks and loggers. Lightning is used from here on."""

from hourglass.training.losses import BCE, L1, MSE, MSSSIM, SSIM, Perceptual
from hourglass.training.optimizers import adam, adamw, sgd

__all__ = ["BCE", "L1", "MSE", "MSSSIM", "SSIM", "Perceptual", "adam", "adamw", "sgd"]
