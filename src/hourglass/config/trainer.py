"""Options of Lightning's trainer: what it would refuse late, ignore, or do otherwise than it promises is refused."""

from typing import Annotated, Any, Literal

from pydantic import Field

from hourglass.config.configuration import Node
from hourglass.config.validation import check
from hourglass.core.errors import ConfigError
from hourglass.core.types import Count, Positive, Size

Share = Annotated[float, Field(gt=0, le=1)]
RANGES: dict[str, Any] = {
    "accumulate_grad_batches": Count,
    "check_val_every_n_epoch": Count,
    "gradient_clip_val": Positive | None,
    "gradient_clip_algorithm": Literal["norm", "value", None],
    "compile": bool,
    "num_nodes": Count,
    "overfit_batches": Size | Annotated[float, Field(ge=0, le=1)],
    "val_check_interval": Count | Share | None,
    "precision": Literal["32-true", "16-mixed", "bf16-mixed", "32", 32],
}
"""Narrower than Lightning's own annotations; `compile` is ours."""
INSTEAD = {
    "fast_dev_run": "trainer.max_epochs=1 trainer.limit_train_batches=1 trainer.limit_val_batches=1 "
    "trainer.limit_test_batches=1",
    "reload_dataloaders_every_n_epochs": "nothing: the images of an epoch are a function of the seed",
    "profiler": "a profiler around train.py, such as py-spy",
    "detect_anomaly": "callbacks.divergence, which stops at the first loss that is no number",
    "logger": "logger=wandb, tensorboard or none",
    "callbacks": "the group callbacks",
    "plugins": "precision, strategy and accelerator",
    "default_root_dir": "hydra.run.dir",
    "min_epochs": "callbacks=early_stopping with a larger callbacks.early_stopping.patience",
    "min_steps": "callbacks=early_stopping with a larger callbacks.early_stopping.patience",
    "limit_predict_batches": "python evaluate.py or reconstruct.py: training predicts nothing",
    "enable_checkpointing": "checkpoint_every: without checkpoints nothing could be tested or continued",
    "inference_mode": "nothing: it is always on where nothing is trained",
    "barebones": "logger=none trainer.enable_progress_bar=false",
    "enable_autolog_hparams": "logger=none: the configuration is part of every log",
    "model_registry": "W&B's own, with the files of checkpoints/",
}
"""Options that would not do here what they promise -> what to use."""


def check_trainer(node: Node) -> None:
    """Raise ConfigError for an option that is not supported, or a value that Lightning would refuse late or ignore."""
    for key in node:
        if key in INSTEAD:
            raise ConfigError(f"trainer.{key} is not supported: use {INSTEAD[key]}")
    for key in RANGES.keys() & node.keys():
        check(node[key], RANGES[key], f"trainer.{key}")
    if node.get("overfit_batches") and node["limit_train_batches"] is not None:
        raise ConfigError("trainer.overfit_batches and limit_train_batches both say how many batches: give one of them")
    if str(node["devices"]) in ("0", "[]"):
        raise ConfigError(f"trainer.devices={node['devices']}: a run needs a device, as in trainer.devices=1")
