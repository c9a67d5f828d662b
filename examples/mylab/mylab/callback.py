from typing import Any

from lightning.pytorch import Callback, Trainer

from hourglass.metrics import Measure


class WatchCode(Callback):
    """Logs how much the code, every `step`-th number of it, differs between test images."""

    measures = {"code_std": Measure("spread of the code", "Standard deviation over the images.")}  # noqa: RUF012

    def __init__(self, *, step: int) -> None:
        self.step = step

    def on_test_batch_end(self, trainer: Trainer, module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        code = module.autoencoder.embed(batch.input)[:, :: self.step]
        module.log("test/code_std", code.std(0, correction=0).mean(), batch_size=len(batch), sync_dist=True)
