"""The LightningModule: objective, metrics, optimizer. It trains any autoencoder; the science is elsewhere."""

from collections.abc import Callable, Iterable
from typing import Any, Literal

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from torchmetrics import MeanMetric, MeanSquaredError, Metric
from torchmetrics.image import StructuralSimilarityIndexMeasure

from hourglass.core.compat.lightning import let_lightning_clip
from hourglass.core.types import Shape
from hourglass.data import noise
from hourglass.data.batches import Batch
from hourglass.nn.autoencoder import Autoencoder, Reconstruction
from hourglass.training.losses import check_loss, ssim_window
from hourglass.training.optimizers import OptimizerAndSchedule

Stage = Literal["val", "test"]


class AutoencoderModule(LightningModule):
    """objective = (reconstruction loss summed over pixels + regularization of the code) / pixels, mean over the images.

    The division keeps learning rates comparable between image sizes and losses. For a Gaussian latent with loss=bce and
    beta=1 the objective is the negative ELBO per pixel. `config`: the resolved configuration, in plain dicts and lists,
    which checkpoints hold as `checkpoint["config"]`.
    """

    def __init__(
        self,
        autoencoder: Autoencoder,
        loss: Any,
        optimizer: Callable[[Iterable[nn.Parameter], float], OptimizerAndSchedule],
        *,
        seed: int,
        config: dict[str, Any],
    ) -> None:
        super().__init__()
        check_loss(loss, autoencoder)
        self.autoencoder = autoencoder.to(memory_format=torch.channels_last)
        self.loss, self.optimizer, self.seed, self.config = loss, optimizer, seed, config
        shape = autoencoder.image_shape
        self.pixels = shape[0] * shape[1] * shape[2]
        self.metrics = nn.ModuleDict({stage: self._metrics(shape) for stage in ("val", "test")})

    def _metrics(self, image_shape: Shape) -> nn.ModuleDict:
        gaussian, window = ssim_window(image_shape)
        metrics: dict[str, Metric] = {
            "loss": MeanMetric(),
            "mse": MeanSquaredError(),
            "psnr_per_image": MeanMetric(),
            "ssim": StructuralSimilarityIndexMeasure(gaussian, kernel_size=window, data_range=1.0),
            "mse_input": MeanSquaredError(),
        }
        if self.autoencoder.latent.noise_shape is not None:
            metrics |= {"reconstruction": MeanMetric(), "kl": MeanMetric()}
        return nn.ModuleDict(metrics)

    def forward(self, images: Tensor) -> Tensor:
        return self.autoencoder(images)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        result = self._reconstruct(batch, sampled=True)
        reconstruction, objective = self._objective(result, batch)
        every: int = self.trainer.log_every_n_steps  # type: ignore[attr-defined]
        if not self.trainer.is_last_batch and (every == 0 or (self.global_step + 1) % every):
            return objective  # Lightning would drop what is logged now, after a third of a millisecond with it
        self.log("train/loss", objective, prog_bar=True, batch_size=len(batch.key))
        if self.autoencoder.latent.noise_shape is not None:
            self.log("train/kl", result.kl, batch_size=len(batch.key))
            self.log("train/reconstruction", reconstruction, batch_size=len(batch.key))
        return objective

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        self._evaluate(batch, "val")

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        self._evaluate(batch, "test")

    def on_validation_epoch_end(self) -> None:
        self._log_metrics("val")

    def on_test_epoch_end(self) -> None:
        self._log_metrics("test")

    def _reconstruct(self, batch: Batch, *, sampled: bool) -> Reconstruction:
        """`sampled`: draw the code from its posterior, with noise that is a function of the image's key."""
        shape = self.autoencoder.latent.noise_shape
        drawn = noise.normal(batch.key, shape, "latent") if sampled and shape is not None else None
        return self.autoencoder.reconstruct(batch.input, drawn)

    def _objective(self, result: Reconstruction, batch: Batch) -> tuple[Tensor, Tensor]:
        """(reconstruction loss an image, objective a pixel), both () and means over the batch."""
        reconstruction = self.loss(result, batch.target).mean()
        return reconstruction, (reconstruction + result.regularization) / self.pixels

    def _evaluate(self, batch: Batch, stage: Stage) -> None:
        """Pixels are judged at the posterior's mean, the objective (the ELBO of a VAE) at a sample of it."""
        metrics, n = self._of(stage), len(batch.key)
        result = self._reconstruct(batch, sampled=False)
        pixels, target = result.pixels.float(), batch.target
        metrics["mse"].update(pixels.flatten(), target.flatten())
        metrics["mse_input"].update(batch.input.flatten(), target.flatten())
        metrics["ssim"].update(pixels, target)
        metrics["psnr_per_image"].update(psnr((pixels - target).square().flatten(1).mean(1)))
        if self.autoencoder.latent.noise_shape is not None:
            result = self._reconstruct(batch, sampled=True)
        reconstruction, objective = self._objective(result, batch)
        metrics["loss"].update(objective, weight=n)
        if "kl" in metrics:
            metrics["reconstruction"].update(reconstruction, weight=n)
            metrics["kl"].update(result.kl, weight=n)

    def _of(self, stage: Stage) -> dict[str, Any]:
        return dict(self.metrics[stage].items())  # type: ignore[operator]

    def _log_metrics(self, stage: Stage) -> None:
        values = {}
        for name, metric in self._of(stage).items():
            values[name] = metric.compute()
            metric.reset()
        values["psnr"] = psnr(values["mse"])
        mse_input = values.pop("mse_input")
        if mse_input > 0:  # a corrupted input: how far the reconstruction gets from it
            values["psnr_input"] = psnr(mse_input)
            values["psnr_gain"] = values["psnr"] - values["psnr_input"]
        if "kl" in values and self.loss.nats:
            values["elbo"] = -(values["reconstruction"] + values["kl"])
        shown = {"loss", "psnr"} if stage == "val" else set()
        for name, value in values.items():  # alike on all ranks already: torchmetrics gathered it
            self.log(f"{stage}/{name}", value, prog_bar=name in shown, rank_zero_only=False, sync_dist=False)

    def configure_optimizers(self) -> OptimizerAndSchedule:  # type: ignore[override]
        chosen = self.optimizer(self.autoencoder.parameters(), self.trainer.estimated_stepping_batches)
        if self.trainer.gradient_clip_val and "mixed" in str(self.trainer.precision):
            let_lightning_clip(chosen["optimizer"])
        return chosen

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["config"] = self.config


def psnr(mse: Tensor) -> Tensor:
    """10·log10(1 / mse) in dB, for pixels in [0, 1]. `psnr` is that of the mean error, `psnr_per_image` a mean."""
    return -10 * mse.log10()
