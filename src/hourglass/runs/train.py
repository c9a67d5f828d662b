"""The story of one run: from a configuration to a folder that holds its result."""

import logging
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import lightning.pytorch as pl
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.loggers import Logger

from hourglass.config.configuration import Configuration
from hourglass.config.parts import Parts
from hourglass.core import provenance
from hourglass.core.errors import ConfigError, DataError, Diverged, Done, HourglassError, Interrupted
from hourglass.core.files import is_of_storage, remove_leftovers, unwritable
from hourglass.core.signals import StopRequest
from hourglass.core.text import as_typed
from hourglass.data.datamodule import ImageData
from hourglass.metrics import cost
from hourglass.runs import console, status
from hourglass.runs.baselines.compute import angles_to_pca, baselines_of, rate_curves_of
from hourglass.runs.job import Job, Notes
from hourglass.runs.load import begin
from hourglass.runs.matching import matched
from hourglass.runs.read import summary_of
from hourglass.runs.summary import Summary
from hourglass.training import hardware
from hourglass.training.budget import refuse_an_empty_budget, validate_at_the_end
from hourglass.training.callbacks import Health, record
from hourglass.training.checkpoints import checkpoint_path, load_weights, read_checkpoint
from hourglass.training.loggers import LoggedRun, MetricsCsv, ResilientWandbLogger, is_rank_zero
from hourglass.training.lookup import callback_of, history_of
from hourglass.training.losses import refuse_small_batch, refuse_without_mask
from hourglass.training.module import AutoencoderModule
from hourglass.training.resume import TrainingProgress, checkpoint_to_go_on_from
from hourglass.training.trainer import build_trainer, mistakes_in_words, quieten, trainer_for

log = logging.getLogger(__name__)
KEPT = ("train/", "val/", "test/", "init/", "real/")
"""Metrics that go into `summary.json`."""


@dataclass(frozen=True)
class Setting:
    """In what setting a run is carried out: nothing here changes its result."""

    quiet: bool = False
    """One of many: say only what is new"""
    ready: Callable[[], None] = lambda: None
    """Called just before training: waits for the other processes of the run where nobody watches over all"""
    retry: str | None = None
    """A key of `status.RETRY`"""
    callbacks: Sequence[Callback] = ()
    """More of them than the configuration names"""


def train(configuration: Configuration, job: Job, setting: Setting, notes: Notes) -> float:
    """Train, test with the best weights, and leave `summary.json` behind however it ends; returns the best val/loss.

    Goes on where an earlier process stopped, if `last.ckpt` is there.
    """
    quieten()
    job.folder.mkdir(parents=True, exist_ok=True)
    seed = configuration.plain["seed"]
    result = Summary(job.folder, job.id, job.choices, seed, sweep=job.group, overrides=job.overrides)
    result.found_by, result.versions = job.found_by, provenance.versions(configuration.packages)
    with status.lock(job.folder) if is_rank_zero() else nullcontext():
        if is_rank_zero():
            refuse_what_is_done(job, setting.retry)
            remove_leftovers(job.folder)
            result.data = summary_of(job.folder).get("data", {})
            result.write()
        loggers: list[Logger] = []
        stop = StopRequest()
        try:
            with stop:
                _train(Parts(configuration), job, setting, notes, result, loggers, stop)
                result.status = "completed"
        except (HourglassError, Interrupted) as error:
            result.status, result.error = error.status, str(error)
            raise
        except BaseException as error:
            if stop.requested:  # a library turned the signal into an error of its own
                log.warning("after it was told to stop: %s: %s", type(error).__name__, error)
                interrupted = Interrupted(stop.signum)
                result.status, result.error = interrupted.status, str(interrupted)
                raise interrupted from error
            result.status, result.error = "failed", f"{type(error).__name__}: {error}"
            if is_of_storage(error, job.folder):
                full = unwritable(job.folder, error)  # type: ignore[arg-type]
                result.error = str(full)
                raise full from error
            raise
        finally:
            try:
                if is_rank_zero():
                    keep(result)  # first: closing W&B may take its time
            finally:
                for logger in loggers:
                    if isinstance(logger, ResilientWandbLogger):
                        logger.finish(exit_code=0 if result.status == "completed" else 1)
    if is_rank_zero():
        table = console.table(result)
        record.info(table)
        if not setting.quiet:
            print(table)
    return float(result.metrics["val/loss"])


def _train(
    parts: Parts, job: Job, setting: Setting, notes: Notes, result: Summary, loggers: list[Logger], stop: StopRequest
) -> None:
    """Fills in the `result`; what it logs to is added to `loggers`, which the caller closes however this ends."""
    parts = matched(parts)
    settings, data = parts.settings, parts.data
    pl.seed_everything(settings.seed, verbose=False)
    autoencoder = parts.autoencoder(data.image_shape)
    make_trainer, _ = trainer_for(parts), parts.loggers  # refused before data is read
    refuse_without_mask(parts.loss, data.corruption, data.image_shape)
    refuse_small_batch(autoencoder.latent, data.batch_size)
    callbacks = list(parts.callbacks.values())
    plain = parts.configuration.plain
    module = AutoencoderModule(
        autoencoder, parts.loss, parts.optimizer, parts.metrics, seed=settings.seed, config=plain,
        compiled=parts.compiles,
    )  # fmt: skip
    result.describe(module.measures, parts.callbacks)
    result.channels = plain["encoder"].get("channels")
    result.decoder_channels = plain["decoder"].get("channels")
    result.cost |= cost.of(autoencoder)
    data.setup()
    begin(autoencoder, parts)
    fingerprint = data.fingerprint()
    refuse_other_images(result, fingerprint)
    counts = {name: len(images) for name, images in data.images.items()}
    result.data = {"fingerprint": fingerprint, "test_fingerprint": data.fingerprint("test")} | counts
    if settings.baselines is not None and is_rank_zero():
        result.baselines = baselines_of(module, data, settings.baselines)
        result.rate_curves = rate_curves_of(data, settings.baselines)
    loggers += open_loggers(parts, job, notes)
    facts = {"choices": job.choices, "cost": result.cost, "baselines_mse": result.baselines}
    for logger in loggers:
        logger.log_hyperparams(plain | facts)
    trainer = build_trainer(
        make_trainer,
        job.folder,
        seed=settings.seed,
        checkpoint_every=settings.checkpoint_every,
        callbacks=[*callbacks, *setting.callbacks],
        loggers=loggers,
        stop=stop,
        bar=plain["trainer"]["enable_progress_bar"] and (not setting.quiet or sys.stderr.isatty()),
    )
    result.hardware = hardware.hardware(trainer)
    setting.ready()
    result.cost |= fit(trainer, module, data)
    result.health = next((callback.at_the_end() for callback in callbacks if isinstance(callback, Health)), {})
    result.metrics |= test(trainer, module, data)
    result.cost |= cost.rate(autoencoder, result.metrics)
    if is_rank_zero():
        if settings.baselines is not None:
            result.metrics |= angles_to_pca(module, data)
        result.cost |= cost.latency(autoencoder.to(trainer.strategy.root_device))
        checkpoint_path(job.folder, "previous").unlink(missing_ok=True)  # nothing is to be continued any more


def refuse_what_is_done(job: Job, retry: str | None) -> None:
    """Raise Done where this process has waited for another one that ended the run."""
    there = summary_of(job.folder).get("status", "planned")
    if there == "completed" or (job.group is not None and not status.to_do(there, retry)):
        raise Done(f"{job.folder} is {there}: another process has ended it")


def refuse_other_images(result: Summary, fingerprint: str) -> None:
    """Raise DataError where the run goes on from a checkpoint, and its images are not those that it began with."""
    begun_with = result.data.get("fingerprint", fingerprint)
    if begun_with != fingerprint and checkpoint_path(result.folder, "last").exists():
        raise DataError(
            f"the images have changed since the run began (fingerprint {begun_with}, now {fingerprint}): put back "
            "those of then, or start another run, in another hydra.run.dir or sweep="
        )


def keep(result: Summary) -> None:
    """Write the summary; on a full disk the one that is there stays, which says that the run was interrupted."""
    try:
        result.write()
    except OSError as error:
        raise unwritable(result.folder / "summary.json", error) from error


def open_loggers(parts: Parts, job: Job, notes: Notes) -> list[Logger]:
    """`metrics.csv`, then what `logger=` chose; one that cannot work has said so and is left out."""
    run = LoggedRun(
        job.folder, job.log_id, f"{job.name}/{parts.settings.seed}", job.group, offline=notes.wandb_unreachable
    )
    chosen = [logger for make in parts.loggers.values() if (logger := make(run)) is not None]
    notes.wandb_unreachable |= any(isinstance(one, ResilientWandbLogger) and one.unreachable for one in chosen)
    return [MetricsCsv(job.folder), *chosen]


def fit(trainer: Trainer, module: AutoencoderModule, data: ImageData) -> dict[str, float]:
    """Train, from `last.ckpt` where there is one; returns what it cost. Raises where nothing would be trained."""
    data.trainer = trainer
    per_epoch = len(data.train_dataloader())
    n, shape = len(data.images["train"]), "×".join(map(str, data.image_shape))
    refuse_an_empty_budget(trainer, data)
    validate_at_the_end(trainer, per_epoch)
    last = checkpoint_to_go_on_from(Path(trainer.default_root_dir), history_of(trainer))
    if is_rank_zero():
        device = hardware.hardware(trainer)["device"]
        log.info("training on %s images of %s, %s steps an epoch, on %s", f"{n:,}", shape, per_epoch, device)
        if last is not None:
            log.info("going on from %s", as_typed(last))
    with mistakes_in_words():
        trainer.fit(module, datamodule=data, ckpt_path=last, weights_only=True)
    progress = callback_of(trainer, TrainingProgress)
    assert progress is not None, "every trainer of ours has it"
    return {
        "train_seconds": round(progress.seconds, 3),
        "images_per_second": round(progress.images / progress.seconds, 1),
        "peak_memory_bytes": hardware.peak_memory_bytes(trainer),
    }


def test(trainer: Trainer, module: AutoencoderModule, data: ImageData) -> dict[str, float]:
    """Metrics of the best weights on the test split, beside the last validation's."""
    last = history_of(trainer).last(("train/", "val/"))
    best = trainer.checkpoint_callback.best_model_score  # type: ignore[union-attr]
    if best is None and "val/loss" not in last:
        raise ConfigError("the time was up before the first validation: use a larger trainer.max_time")
    if best is None:
        raise Diverged("no checkpoint was saved: the validation loss was never a finite number")
    path = checkpoint_path(Path(trainer.default_root_dir), "best")
    try:
        saved = read_checkpoint(path)
        load_weights(module.autoencoder, saved, path)  # with more checks than Lightning makes
        module.load_loss(saved)
    except DataError as error:
        again = f"delete {as_typed(path.parent)}, and the same command trains the run again from its start"
        raise DataError(f"{error}. Put back what was there; or {again}") from error
    with mistakes_in_words():
        trainer.test(module, datamodule=data, verbose=False)
    values = last | {"val/loss": best} | trainer.callback_metrics
    return {name: float(value) for name, value in values.items() if name.startswith(KEPT)}
