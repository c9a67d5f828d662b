"""A run trained in this process: what is in its checkpoint, what it stops for, and that it goes on exactly."""

from pathlib import Path
from typing import Any

import pytest
import torch

from helpers import by_hand
from hourglass.core.errors import Diverged, Interrupted
from hourglass.core.signals import StopRequest, kept
from hourglass.training import callbacks
from hourglass.training.checkpoints import BestCheckpoint, checkpoint_path
from hourglass.training.lookup import callback_of, history_of
from hourglass.training.resume import LastCheckpoint, TrainingProgress
from hourglass.training.trainer import build_trainer

ALL = [
    callbacks.ImageGrids(count=2),
    callbacks.StopOnDivergence(every_n_steps=2),
    callbacks.Checkerboards(images=4),
    callbacks.Examples(first=2, each=1),
    callbacks.Health(images=4),
]


def saved(folder: Path) -> dict[str, Any]:
    checkpoint: dict[str, Any] = torch.load(checkpoint_path(folder, "last"), weights_only=True)
    return checkpoint


def test_the_keys_of_a_checkpoint_are_not_names_of_classes(tmp_path: Path) -> None:
    """They are in every run folder: to rename a key is to lose the state that runs have saved under it."""
    trainer = by_hand.trainer_for(tmp_path, ALL)
    by_hand.fit(trainer)
    checkpoint = saved(tmp_path)
    assert set(checkpoint["callbacks"]) == {
        "hourglass.training_progress",
        "hourglass.last_checkpoint",
        "hourglass.best_checkpoint",
        "hourglass.checkerboards",
        "hourglass.health",
    }
    assert checkpoint["ImageData"] == {"epoch": 2, "batch": 0}  # Lightning's key is the name of this class
    last = checkpoint["callbacks"]["hourglass.last_checkpoint"]
    assert (last["finished"], last["saved_at"]) == (True, (1, 2))  # step 8
    assert last["history"] == history_of(trainer).standing(before=12)


def test_every_callback_with_a_state_has_a_key_of_its_own() -> None:
    every = [*ALL, TrainingProgress(0), LastCheckpoint(Path(), 1, StopRequest()), BestCheckpoint(Path())]
    for callback in every:
        assert not callback.state_dict() or callback.state_key.startswith("hourglass."), callback


def test_a_checkpoint_holds_the_configuration_in_plain_values(tmp_path: Path) -> None:
    config = {"encoder": {"channels": [4, 8]}, "seed": 0}
    trainer, data = by_hand.trainer_for(tmp_path, max_epochs=1), by_hand.images()
    data.trainer = trainer
    trainer.fit(by_hand.module(**config), datamodule=data)
    assert saved(tmp_path)["config"] == config


@pytest.mark.parametrize("batch", [1, by_hand.PER_EPOCH - 1, by_hand.PER_EPOCH, by_hand.PER_EPOCH + 3])
def test_a_run_that_is_stopped_and_continued_ends_with_the_same_bits(tmp_path: Path, batch: int) -> None:
    whole = by_hand.fit(by_hand.trainer_for(tmp_path / "whole"))
    folder, stop = tmp_path / "stopped", StopRequest()
    term = by_hand.At(batch, by_hand.terminate)
    with kept(), stop, pytest.raises(Interrupted):
        by_hand.fit(by_hand.trainer_for(folder, [term], stop))
    assert saved(folder)["global_step"] == batch
    continued = by_hand.fit(by_hand.trainer_for(folder), resume=True)
    for name, weights in whole.state_dict().items():
        assert torch.equal(weights, continued.state_dict()[name]), name
    assert (folder / "metrics.csv").read_bytes() == (tmp_path / "whole" / "metrics.csv").read_bytes()


@pytest.mark.parametrize(
    ("batch", "every_n_steps", "log_every_n_steps", "options", "looked_at"),
    [
        (3, 100, 100, {}, 4),  # before the checkpoint
        (0, 1, 2, {}, 2),  # in the next step that is logged
        (0, 1, 1, {}, 1),
        (0, 3, 1, {}, 3),  # in the third that is
        (0, 100, 100, {"val_check_interval": 2}, 2),  # before the validation
        (by_hand.PER_EPOCH - 1, 100, 100, {}, by_hand.PER_EPOCH),
    ],
)
def test_a_loss_that_is_no_number_reaches_no_checkpoint(
    tmp_path: Path, batch: int, every_n_steps: int, log_every_n_steps: int, options: dict[str, Any], looked_at: int
) -> None:
    def poison(module: Any) -> None:
        module.autoencoder.encoder.linear.weight.data.fill_(torch.nan)

    poisoned = [callbacks.StopOnDivergence(every_n_steps=every_n_steps), by_hand.At(batch, poison)]
    trainer = by_hand.trainer_for(tmp_path, poisoned, log_every_n_steps=log_every_n_steps, **options)
    with pytest.raises(Diverged, match=f"the training loss is not a finite number at step {batch + 1};"):
        by_hand.fit(trainer)
    assert trainer.global_step == looked_at
    assert all(one.isfinite().all() for path in tmp_path.rglob("*.ckpt") for one in weights_in(path))
    assert checkpoint_path(tmp_path, "last").exists() == (batch > 4)  # one was due at step 4


def weights_in(path: Path) -> list[torch.Tensor]:
    return list(torch.load(path, weights_only=True)["state_dict"].values())


def test_the_progress_bar_shows_the_last_numbers_that_were_logged(tmp_path: Path) -> None:
    trainer = by_hand.trainer_for(tmp_path, bar=True)
    by_hand.fit(trainer)
    bar = callback_of(trainer, callbacks.ProgressBar)
    assert bar is not None
    logged = history_of(trainer).last(("train/", "val/"))
    assert bar.get_metrics(trainer, None) == {
        name: pytest.approx(logged[name]) for name in ("train/loss", "val/loss", "val/psnr")
    }


def test_callbacks_are_called_in_this_order(tmp_path: Path) -> None:
    """A run that is killed after its last `last.ckpt` is not trained again: only the best weights come later, and they
    are saved after each validation."""
    options = {"seed": 0, "checkpoint_every": 4, "loggers": [], "stop": StopRequest()}
    kinds = [TrainingProgress, *map(type, ALL), callbacks.EpochLines, LastCheckpoint, BestCheckpoint]
    plain = build_trainer(by_hand.make_trainer(), tmp_path, callbacks=ALL, bar=False, **options)
    assert [type(callback) for callback in plain.callbacks] == kinds  # type: ignore[attr-defined]
    barred = build_trainer(by_hand.make_trainer(), tmp_path, callbacks=ALL, bar=True, **options)
    kinds.insert(-2, callbacks.ProgressBar)
    assert [type(callback) for callback in barred.callbacks] == kinds  # type: ignore[attr-defined]


def test_speed_is_measured_over_all_processes_of_a_run(tmp_path: Path) -> None:
    trainer = by_hand.trainer_for(tmp_path)
    by_hand.fit(trainer)
    progress = callback_of(trainer, TrainingProgress)
    assert progress is not None
    assert progress.images == 2 * by_hand.PER_EPOCH * by_hand.BATCH_SIZE
    assert progress.seconds > 0
    assert callback_of(trainer, callbacks.Health) is None
    assert history_of(trainer).last(("val/",))["val/loss"] > 0
