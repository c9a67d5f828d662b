"""The story of one run: from a composed configuration to a folder that holds its result."""

import logging
import sys
import warnings
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch import Trainer
from omegaconf import DictConfig

from hourglass.core.errors import ConfigError, Diverged, Done, HourglassError, Interrupted
from hourglass.core.signals import StopRequest
from hourglass.data.corruption import Gaussian, NoCorruption
from hourglass.data.datamodule import ImageData
from hourglass.metrics import baselines as floors
from hourglass.metrics import cost
from hourglass.nn.latents import NoLatent
from hourglass.runs import build, summary
from hourglass.runs import status as states
from hourglass.runs.job import Job
from hourglass.runs.matching import matched
from hourglass.training import hardware
from hourglass.training.callbacks.health import Health
from hourglass.training.loggers.wandb import PatientWandbLogger, is_rank_zero
from hourglass.training.module import AutoencoderModule
from hourglass.training.resume import Position, history_of

log = logging.getLogger(__name__)
KEPT = ("train/", "val/", "test/", "init/", "real/")
"""Metrics that go into `summary.json`."""


def train(config: DictConfig, job: Job, *, quiet: bool = False) -> float:
    """Train, test with the best weights, and leave `summary.json` behind however it ends; returns the best val/loss.

    Goes on where an earlier process stopped, if `last.ckpt` is there. `quiet`: one of many, say only what is new.
    """
    quieten()
    job.folder.mkdir(parents=True, exist_ok=True)
    result = summary.Summary(job.folder, job.id, job.choices, config.seed, sweep=job.group, overrides=job.overrides)
    with states.lock(job.folder) if is_rank_zero() else nullcontext():
        if is_rank_zero():
            refuse_what_is_done(job, config.retry)
            result.write()
        return _train(config, job, result, quiet)


def refuse_what_is_done(job: Job, retry: str | None) -> None:
    """Raise Done where this process has waited for another one that ended the run."""
    status = (states.read_summary(job.folder) or {"status": "planned"})["status"]
    if status == "completed" or (job.group is not None and not states.to_do(status, retry)):
        raise Done(f"{job.folder} is {status}: another process has ended it")


def _train(config: DictConfig, job: Job, result: summary.Summary, quiet: bool) -> float:
    loggers: list[Any] = []
    stop = StopRequest()
    try:
        with stop:
            data = build.data(config)
            config = matched(config, data.image_shape)
            pl.seed_everything(config.seed, verbose=False)
            autoencoder = build.autoencoder(config, data.image_shape)
            module = build.module(config, autoencoder)
            result.channels = list(config.encoder.channels) if "channels" in config.encoder else None
            result.cost |= cost.of(autoencoder)
            data.setup()
            autoencoder.centre(data.mean)
            result.data = {"fingerprint": data.fingerprint} | {
                name: len(images) for name, images in data.images.items()
            }
            if config.floors is not None and is_rank_zero():
                result.floors = floors_of(module, data, config.floors)
            loggers = build.loggers(config, job.folder, job.log_id, f"{job.name}/{config.seed}", job.group)
            for logger in loggers:
                logger.log_hyperparams(
                    module.config | {"choices": job.choices, "cost": result.cost, "floors_mse": result.floors}
                )
            trainer = build.trainer(config, job.folder, loggers, stop, bar=not quiet or sys.stderr.isatty())
            result.hardware = hardware.hardware(trainer)
            result.cost |= fit(trainer, module, data)
            result.health = next((c.found for c in trainer.callbacks if isinstance(c, Health)), {})  # type: ignore[attr-defined]
            result.metrics |= test(trainer, module, data)
            result.status = "completed"
    except (HourglassError, Interrupted) as error:
        result.status, result.error = error.status, str(error)
        raise
    except BaseException as error:
        if stop.asked:  # a library that did not bear the signal
            log.warning("after it was asked to stop: %s: %s", type(error).__name__, error)
            interrupted = Interrupted(stop.signum)
            result.status, result.error = interrupted.status, str(interrupted)
            raise interrupted from error
        result.status, result.error = "failed", f"{type(error).__name__}: {error}"
        raise
    finally:
        if is_rank_zero():
            result.write()
        for logger in loggers:
            if isinstance(logger, PatientWandbLogger):
                logger.finish(exit_code=0 if result.status == "completed" else 1)
    if is_rank_zero() and not quiet:
        print(summary.table(result, job.overrides))
    return float(result.metrics["val/loss"])


def fit(trainer: Trainer, module: AutoencoderModule, data: ImageData) -> dict[str, float]:
    """Train, from `last.ckpt` where there is one; returns what it cost. Raises where nothing would be trained."""
    data.trainer = trainer
    per_epoch = len(data.train_dataloader())
    if trainer.max_epochs == 0 or trainer.max_steps == 0 or trainer.limit_train_batches == 0:
        raise ConfigError(
            "nothing would be trained: trainer.max_epochs, max_steps and limit_train_batches must not be 0"
        )
    if trainer.limit_val_batches == 0 or trainer.limit_test_batches == 0:
        raise ConfigError("nothing would be measured: trainer.limit_val_batches and limit_test_batches must not be 0")
    n, shape, device = (
        len(data.images["train"]),
        "×".join(map(str, data.image_shape)),
        hardware.hardware(trainer)["device"],
    )
    last = Path(trainer.default_root_dir) / "checkpoints" / "last.ckpt"
    if is_rank_zero():
        log.info("training on %s images of %s, %s steps an epoch, on %s", f"{n:,}", shape, per_epoch, device)
        if last.exists():
            log.info("going on from %s", summary.shown(last))
    trainer.fit(module, datamodule=data, ckpt_path=last if last.exists() else None, weights_only=True)
    position = next(c for c in trainer.callbacks if isinstance(c, Position))  # type: ignore[attr-defined]
    return {
        "train_seconds": round(position.seconds, 3),
        "images_per_second": round(position.images / position.seconds, 1),
        "peak_memory_bytes": hardware.peak_memory_bytes(trainer),
    }


def test(trainer: Trainer, module: AutoencoderModule, data: ImageData) -> dict[str, float]:
    """Metrics of the best weights on the test split, beside the last validation's."""
    last = history_of(trainer).last(("train/", "val/"))
    best = trainer.checkpoint_callback.best_model_score  # type: ignore[union-attr]
    if best is None:
        raise Diverged("no checkpoint was saved: the validation loss was never a finite number")
    trainer.test(module, datamodule=data, ckpt_path="best", verbose=False)
    values = last | {"val/loss": best} | trainer.callback_metrics
    return {name: float(value) for name, value in values.items() if name.startswith(KEPT)}


def floors_of(module: AutoencoderModule, data: ImageData, cache: str) -> dict[str, float]:
    """What this run is to be held against, computed on its own split; the affine denoiser on 10,000 images at most."""
    autoencoder, corruption = module.autoencoder, data.corruption
    train, test = (data.images[name].images for name in ("train", "test"))
    strides = autoencoder.encoder.strides
    corrupted = not isinstance(corruption, NoCorruption)
    std = corruption.std if isinstance(corruption, Gaussian) and not corruption.clip else None
    corrupted_test = data.pick("test", range(len(test))).input if corrupted else None
    values = floors.compute_floors(
        train,
        test,
        code_numbers=autoencoder.latent.numbers,
        code_shape=autoencoder.encoder.spec.code_shape,
        factor_total=strides[-1] if strides and isinstance(autoencoder.latent, NoLatent) else None,
        corrupted_test=corrupted_test,
        noise_std=std,
        bce=module.loss.nats,
        cache=cache,
    )
    if corrupted and std is None and train[0].numel() <= floors.EXACT_LIMIT:
        seen = data.pick("train", range(min(len(train), 10_000)))
        samples = (seen.input, seen.target, corrupted_test, test)
        values["affine"] = floors.cached(cache, floors.affine_denoiser, *samples)
    return values


def quieten() -> None:
    """Leave the screen to what concerns this run: Lightning's tips and device tables go, its warnings stay."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    logging.getLogger("lightning.fabric").setLevel(logging.WARNING)
    for text in (
        ".*does not have many workers.*",  # the images lie in memory
        ".*exists and is not empty.*",  # the run folder is ours
        ".*Checkpoint directory.*",
        ".*smaller than the logging interval.*",  # the last batch of an epoch is logged in any case
        ".*lr_scheduler.step.*",
        ".*resuming from a checkpoint that ended before the epoch ended.*",  # ours goes on exactly there
        ".*LeafSpec.*",
        ".*sync_dist=True.*",  # torchmetrics has gathered what we log
    ):
        warnings.filterwarnings("ignore", text)
    torch.set_float32_matmul_precision("high")
