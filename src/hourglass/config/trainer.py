"""Options of Lightning's trainer: what it would refuse late, ignore, or do otherwise than it promises is refused."""

from typing import Annotated, Any, Literal

from pydantic import Field

from hourglass.config.configuration import Node
from hourglass.config.validation import check
from hourglass.core.errors import ConfigError
from hourglass.core.types import Count, Positive

Share = Annotated[float, Field(gt=0, le=1)]
RANGES: dict[str, Any] = {
    "accumulate_grad_batches": Count,
    "check_val_every_n_epoch": Count,
    "gradient_clip_val": Positive | None,
    "precision": Literal["32-true", "16-mixed", "bf16-mixed", "32", 32],
}
"""Narrower than Lightning's own annotations."""
INSTEAD = {
    "fast_dev_run": "trainer.max_epochs=1 trainer.limit_train_batches=1 trainer.limit_val_batches=1 "
    "trainer.limit_test_batches=1",
    "overfit_batches": "trainer.limit_train_batches, which takes other images each epoch, or a data set of few images",
    "reload_dataloaders_every_n_epochs": "nothing: the images of an epoch are a function of the seed",
    "profiler": "a profiler around train.py, such as py-spy",
    "detect_anomaly": "callbacks.divergence, which stops at the first loss that is no number",
    "logger": "logger=wandb, tensorboard or none",
    "callbacks": "the group callbacks",
    "plugins": "precision, strategy and accelerator",
    "default_root_dir": "hydra.run.dir",
    "num_nodes": "one machine: several are not supported",
}
"""Options that would not do here what they promise -> what to use."""


def check_trainer(node: Node) -> None:
    """Raise ConfigError for an option that is not supported, or a value that Lightning would refuse late or ignore."""
    for key in node:
        if key in INSTEAD:
            raise ConfigError(f"trainer.{key} is not supported: use {INSTEAD[key]}")
    for key, annotation in RANGES.items():
        check(node[key], annotation, f"trainer.{key}")
    if str(node["devices"]) in ("0", "[]"):
        raise ConfigError(f"trainer.devices={node['devices']}: a run needs a device, as in trainer.devices=1")
