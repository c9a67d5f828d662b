"""Training: objective, optimizers, trainer, exact resume, callbacks and loggers. Lightning is used from here on."""

from hourglass.training.losses import BCE, L1, LPIPS, MSE, MSSSIM, SSIM, GaussianLikelihood
from hourglass.training.optimizers import adam, adamw, sgd

__all__ = ["BCE", "L1", "LPIPS", "MSE", "MSSSIM", "SSIM", "GaussianLikelihood", "adam", "adamw", "sgd"]
