"""The training loops of other projects, with the network, the images and the optimizer of a configuration of ours."""

import io
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from PIL import Image
from timed import batch_size, objective, parts, seconds_of
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, random_split
from torchmetrics import MeanMetric, MinMetric
from torchvision.transforms import Compose, Normalize, ToTensor

from hourglass.config.configuration import Configuration
from hourglass.nn.autoencoder import Autoencoder


class Items(Dataset[tuple[Tensor, int]]):
    """As torchvision's MNIST: an array in memory, a PIL image and then a tensor of every item."""

    def __init__(self, pixels: Tensor) -> None:
        self.pixels = pixels.permute(0, 2, 3, 1).squeeze(-1).numpy()
        self.transform = Compose([ToTensor(), Normalize((0.0,), (1.0,))])

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, i: int) -> tuple[Tensor, int]:
        return self.transform(Image.fromarray(self.pixels[i])), 0


class TemplateModule(LightningModule):
    """As lightning-hydra-template's MNISTLitModule: metrics as modules, logged at each step and at each epoch's end."""

    def __init__(self, model: Autoencoder, loss: nn.Module, optimizer: Callable[..., Any]) -> None:
        super().__init__()
        self.model, self.loss, self.optimizer = model, loss, optimizer
        self.train_loss, self.val_loss, self.val_loss_best = MeanMetric(), MeanMetric(), MinMetric()

    def training_step(self, batch: list[Tensor], batch_idx: int) -> Tensor:
        loss = objective(self.model, self.loss, batch[0])
        self.train_loss(loss)
        self.log("train/loss", self.train_loss, on_step=False, on_epoch=True, prog_bar=True)
        return loss

    def validation_step(self, batch: list[Tensor], batch_idx: int) -> None:
        self.val_loss(objective(self.model, self.loss, batch[0]))
        self.log("val/loss", self.val_loss, on_step=False, on_epoch=True, prog_bar=True)

    def on_validation_epoch_end(self) -> None:
        self.val_loss_best(self.val_loss.compute())
        self.log("val/loss_best", self.val_loss_best.compute(), sync_dist=True, prog_bar=True)

    def configure_optimizers(self) -> Any:
        return self.optimizer(self.model.parameters(), int(self.trainer.estimated_stepping_batches))


def template(configuration: Configuration, n: int, workers: int) -> float:
    pixels, model, loss, optimizer = parts(configuration, n + 500)
    train, val = random_split(Items(pixels), [n, 500])
    size = batch_size(configuration)
    trained = DataLoader(train, size, shuffle=True, num_workers=workers, drop_last=True)
    validated = DataLoader(val, size, num_workers=workers)
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            accelerator="cpu", max_epochs=1, logger=CSVLogger(folder), enable_model_summary=False,
            callbacks=[ModelCheckpoint(folder, monitor="val/loss", save_last=True), EarlyStopping("val/loss")],
        )  # fmt: skip
        return seconds_of(trainer, lambda: trainer.fit(TemplateModule(model, loss, optimizer), trained, validated))


def pythae(configuration: Configuration, n: int) -> float:
    from pythae.data.datasets import BaseDataset
    from pythae.models import BaseAE, BaseAEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.trainers import BaseTrainer, BaseTrainerConfig

    pixels, model, loss, _ = parts(configuration, n)
    images = pixels.float().div(255)

    class Ours(BaseAE):
        def __init__(self) -> None:
            super().__init__(BaseAEConfig(input_dim=tuple(images.shape[1:]), latent_dim=16), decoder=None)
            self.network, self.loss = model, loss

        def forward(self, inputs: Any, **_: Any) -> Any:
            return ModelOutput(loss=objective(self.network, self.loss, inputs["data"]))

    with tempfile.TemporaryDirectory() as folder, redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        config = BaseTrainerConfig(
            output_dir=folder, num_epochs=1, per_device_train_batch_size=batch_size(configuration), no_cuda=True
        )
        trainer = BaseTrainer(Ours(), BaseDataset(images, torch.zeros(n)), training_config=config)
        trainer.prepare_training()
        start = time.perf_counter()
        trainer.train_step(1)
        return time.perf_counter() - start
