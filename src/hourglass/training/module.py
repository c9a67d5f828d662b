"""The LightningModule: objective, metrics, optimizer. It trains any autoencoder; the science is elsewhere."""

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hourglass.core.compat.lightning import QuickHooks, is_logging_step, let_lightning_clip
from hourglass.core.errors import ConfigError, DataError
from hourglass.core.measures import MEASURES, Measure
from hourglass.data import noise
from hourglass.data.batches import Batch
from hourglass.nn.autoencoder import Autoencoder, Reconstruction
from hourglass.training.losses import check_loss, checked_logs, digest, frozen_networks, judged
from hourglass.training.optimizers import OptimizerAndSchedule
from hourglass.training.scores import Scores, check_makers, codebooks_of, refuse_taken

Stage = Literal["val", "test"]
BACKEND = "inductor"
"""Of `torch.compile`"""
LOSS = "loss."
"""Of the loss's weights in a checkpoint of this module."""


class AutoencoderModule(QuickHooks):
    """objective = (reconstruction loss summed over pixels + regularization of the code) / pixels, mean over the images.

    The division keeps learning rates comparable between image sizes and losses. For a Gaussian latent with loss=bce and
    beta=1 the objective is the negative ELBO per pixel. `metrics`: name -> what makes one of the shape of the images.
    `config`: the resolved configuration, in plain dicts and lists, which checkpoints hold as `checkpoint["config"]`.
    `compiled`: the autoencoder is compiled, for training alone; what is measured, drawn and saved is the plain one.
    """

    def __init__(
        self,
        autoencoder: Autoencoder,
        loss: Any,
        optimizer: Callable[[Iterable[nn.Parameter], float], OptimizerAndSchedule],
        metrics: Mapping[str, Callable[..., Any]],
        *,
        seed: int,
        config: dict[str, Any],
        compiled: bool = False,
    ) -> None:
        super().__init__()
        check_makers(metrics)
        of_latent, of_loss = check_loss(loss, autoencoder)
        refuse_taken({"latent": of_latent, "loss": of_loss}, list(metrics))
        if compiled and getattr(autoencoder.latent, "needs_images", False):
            raise ConfigError(
                f"{type(autoencoder.latent).__name__} differentiates twice, which compiled networks cannot: use "
                "trainer.compile=false"
            )
        self.autoencoder = autoencoder.to(memory_format=torch.channels_last)
        self.loss, self.optimizer, self.seed, self.config = loss, optimizer, seed, config
        self.quick: Callable[..., Reconstruction] = autoencoder.reconstruct
        if compiled:
            self.quick = torch.compile(autoencoder.reconstruct, backend=BACKEND, dynamic=False)
        shape = autoencoder.image_shape
        self.pixels = shape[0] * shape[1] * shape[2]
        self.sampled = autoencoder.latent.noise_shape is not None
        self.separates = self.sampled or bool(of_latent)
        means = ["loss", *(["reconstruction"] if self.separates else []), *of_latent, *of_loss]
        means += ["sampled_mse"] if self.sampled else []
        self.scores = nn.ModuleDict(
            {stage: Scores(metrics, shape, means, codebooks_of(autoencoder.latent)) for stage in ("val", "test")}
        )
        self.train()

    @property
    def measures(self) -> dict[str, Measure]:
        """What is logged, as far as metrics, latent and loss describe it, or we do, by its name."""
        scores = self._of("test")
        of_parts = {**getattr(self.autoencoder.latent, "measures", {}), **getattr(self.loss, "measures", {})}
        names = [*scores.mean_names, *(["dead_codes"] if scores.codebooks is not None else [])]
        known = {name: {**of_parts, **MEASURES}.get(name) for name in names}
        return {name: measure for name, measure in known.items() if measure} | scores.measures

    @property
    def gives_likelihood(self) -> bool:
        """Is the loss minus the log likelihood of a whole image, given its code and nothing else of the image?"""
        return self.loss.nats and not getattr(self.loss, "needs_mask", False) and not self.autoencoder.index_bits

    @property
    def gives_elbo(self) -> bool:
        """Are loss and latent together a bound on the likelihood of an image?"""
        return self.gives_likelihood and {"kl", "reconstruction"} <= {*self._of("test").mean_names}

    def forward(self, images: Tensor) -> Tensor:
        return self.autoencoder(images)

    def train(self, mode: bool = True) -> "AutoencoderModule":
        super().train(mode)
        for network in self.frozen.values():
            network.eval()
        return self

    @cached_property
    def frozen(self) -> dict[str, nn.Module]:
        """The frozen networks of the loss, by their path in it."""
        return frozen_networks(self.loss)

    @cached_property
    def frozen_digest(self) -> str | None:
        return digest(self.frozen) if self.frozen else None

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        result = self._reconstruct(batch, sampled=True)
        values = self._objective(result, batch)
        if is_logging_step(self.trainer):
            for name, value in values.items():
                self.log(f"train/{name}", value, batch_size=len(batch))
        return values["loss"]

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        self._evaluate(batch, "val")

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        self._evaluate(batch, "test")

    def on_validation_epoch_end(self) -> None:
        self._log_scores("val")

    def on_test_epoch_end(self) -> None:
        self._log_scores("test")

    def _reconstruct(self, batch: Batch, *, sampled: bool) -> Reconstruction:
        """`sampled`: draw the code from its posterior, with noise that is a function of the image's key."""
        shape = self.autoencoder.latent.noise_shape
        drawn = noise.normal(batch.key, shape, "latent") if sampled and shape is not None else None
        reconstruct = self.quick if self.training else self.autoencoder.reconstruct
        return reconstruct(batch.input, drawn)

    def _objective(self, result: Reconstruction, batch: Batch) -> dict[str, Tensor]:
        """`loss`, the objective a pixel; `reconstruction`, the loss an image, where a latent adds to it; then what the
        latent and the loss log. All are () and means over the batch."""
        if getattr(self.loss, "needs_mask", False):
            result = result._replace(mask=batch.mask)
        verdict = judged(self.loss, result, batch.target)
        reconstruction = verdict.loss.mean()
        logs = {**checked_logs(result.logs, type(self.autoencoder.latent).__name__), **verdict.logs}
        if self.separates:
            logs = {"reconstruction": reconstruction, **logs}
        loss = (reconstruction + result.regularization) / self.pixels
        return {"loss": loss, **{name: value.detach() for name, value in logs.items()}}

    def _evaluate(self, batch: Batch, stage: Stage) -> None:
        """Pixels are judged at the posterior's mean, the objective (the ELBO of a VAE) at a sample of it, and so is
        `sampled_mse`, since what the code costs by its KL is the cost of a sample."""
        result = self._reconstruct(batch, sampled=False)
        self._of(stage).update(result.pixels.float(), batch.target, batch.input)
        self._of(stage).update_codes(result.codes)
        of_sample = {}
        if self.sampled:
            result = self._reconstruct(batch, sampled=True)
            of_sample = {"sampled_mse": F.mse_loss(result.pixels.float(), batch.target)}
        self._of(stage).update_means(self._objective(result, batch) | of_sample, len(batch))

    def _of(self, stage: Stage) -> Scores:
        return self.scores[stage]  # type: ignore[return-value]

    def _log_scores(self, stage: Stage) -> None:
        values = self._of(stage).take()
        if self.gives_elbo:
            values["elbo"] = -(values["reconstruction"] + values["kl"])
        for name, value in values.items():  # alike on all ranks already: torchmetrics gathered it
            self.log(f"{stage}/{name}", value, rank_zero_only=False, sync_dist=False)

    def configure_optimizers(self) -> OptimizerAndSchedule:  # type: ignore[override]
        of_loss = [parameter for parameter in self.loss.parameters() if parameter.requires_grad]
        parameters = [*self.autoencoder.parameters(), *of_loss]
        chosen = self.optimizer(parameters, self.trainer.estimated_stepping_batches)
        if self.trainer.gradient_clip_val and "mixed" in str(self.trainer.precision):
            let_lightning_clip(chosen["optimizer"])
        return chosen

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["config"] = self.config
        if self.frozen_digest is not None:
            checkpoint["frozen"] = self.frozen_digest
            for key in self._frozen_state():
                del checkpoint["state_dict"][key]

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.refuse_other_frozen(checkpoint)
        checkpoint["state_dict"] |= self._frozen_state()

    def refuse_other_frozen(self, checkpoint: Mapping[str, Any]) -> None:
        """Raise DataError where the loss holds other frozen weights than when the checkpoint was saved."""
        if checkpoint.get("frozen") != self.frozen_digest:
            raise DataError(
                f"the frozen network of the loss {type(self.loss).__name__} is not the one of then (the digest of its "
                f"weights is {self.frozen_digest}, and was {checkpoint.get('frozen')}): make it of the same weights"
            )

    def load_loss(self, checkpoint: Mapping[str, Any]) -> None:
        """Give the loss what the run of this checkpoint has learned of it; raises DataError if it is another."""
        self.refuse_other_frozen(checkpoint)
        own = {key: weight for key, weight in checkpoint["state_dict"].items() if key.startswith(LOSS)}
        own |= self._frozen_state()
        try:
            self.loss.load_state_dict({key.removeprefix(LOSS): weight for key, weight in own.items()})
        except RuntimeError as error:
            raise DataError(f"the checkpoint is of another loss than {type(self.loss).__name__}: {error}") from error

    def _frozen_state(self) -> dict[str, Tensor]:
        return {
            f"{LOSS}{path}{name}": weight
            for path, network in self.frozen.items()
            for name, weight in network.state_dict().items()
        }
