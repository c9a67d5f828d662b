"""From where a run goes on: `last.ckpt`, the one before it, or nowhere; never with other history or other bits."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from helpers import by_hand
from hourglass.core.errors import DataError, Interrupted
from hourglass.core.signals import StopRequest, kept
from hourglass.training.checkpoints import checkpoint_path, read_checkpoint
from hourglass.training.loggers import MetricsCsv
from hourglass.training.resume import checkpoint_to_go_on_from

STOPPED_AT = 10
"""Batches of 12: `last.ckpt` is of step 10, the one before it of step 8"""


@pytest.fixture
def stopped(tmp_path: Path) -> Path:
    folder = tmp_path / "stopped"
    with kept(), StopRequest() as stop, pytest.raises(Interrupted):
        by_hand.fit(by_hand.trainer_for(folder, [by_hand.At(STOPPED_AT, by_hand.terminate)], stop))
    return folder


def continued(folder: Path) -> dict[str, torch.Tensor]:
    """The weights at the end of a run that goes on from where it may."""
    trainer, module, data = by_hand.trainer_for(folder), by_hand.module(), by_hand.images()
    data.trainer = trainer
    start = checkpoint_to_go_on_from(folder, MetricsCsv(folder))
    trainer.fit(module, datamodule=data, ckpt_path=start, weights_only=True)
    return module.state_dict()


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def lose_the_last_row(path: Path) -> None:
    history = path.parents[1] / "metrics.csv"
    history.write_text("".join(history.read_text().splitlines(keepends=True)[:-1]))


def change_the_last_row(path: Path) -> None:
    history = path.parents[1] / "metrics.csv"
    history.write_text(history.read_text().rstrip("\n") + "1\n")


def other_weights(path: Path) -> None:
    saved = torch.load(path, weights_only=True)
    saved["state_dict"] = {key: weight * torch.nan for key, weight in saved["state_dict"].items()}
    torch.save(saved, path)


@pytest.mark.parametrize(
    "spoil", [Path.unlink, flip, truncate, lose_the_last_row, change_the_last_row, other_weights, lambda _: None]
)
def test_a_run_goes_on_from_the_newest_checkpoint_that_will_do_and_ends_with_the_same_bits(
    stopped: Path, spoil: Callable[[Path], None], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = tmp_path / "whole"
    expected = by_hand.fit(by_hand.trainer_for(whole)).state_dict()
    last = checkpoint_path(stopped, "last")
    spoil(last)
    with caplog.at_level(logging.WARNING):
        weights = continued(stopped)
    assert all(torch.equal(weights[key], value) for key, value in expected.items())
    assert (stopped / "metrics.csv").read_text() == (whole / "metrics.csv").read_text()
    said = [record.getMessage() for record in caplog.records if "will do" in record.getMessage()]
    assert len(said) == (spoil.__name__ not in ("unlink", "<lambda>")), said
    assert all("last.ckpt" in one for one in said)
    assert read_checkpoint(last)["global_step"] == 12


@pytest.mark.parametrize("file", ["metrics.csv", "times.csv"])
@pytest.mark.parametrize("content", [None, "", "step,epoch\n", "step\n0\n1\n\x00\n"])
def test_without_its_history_a_run_does_not_go_on(stopped: Path, file: str, content: str | None) -> None:
    if content is None:
        (stopped / file).unlink()
    else:
        (stopped / file).write_text(content)
    before = {path: path.read_bytes() for path in stopped.rglob("*") if path.is_file()}
    with pytest.raises(DataError, match=rf"{file}.*last\.ckpt.*previous\.ckpt|{file} is torn.*Put back"):
        checkpoint_to_go_on_from(stopped, MetricsCsv(stopped))
    assert {path: path.read_bytes() for path in stopped.rglob("*") if path.is_file()} == before


def test_damaged_and_alone_it_is_named_with_the_cure(stopped: Path) -> None:
    checkpoint_path(stopped, "previous").unlink()
    truncate(checkpoint_path(stopped, "last"))
    with pytest.raises(DataError, match=r"last\.ckpt cannot be read.*delete .*checkpoints"):
        checkpoint_to_go_on_from(stopped, MetricsCsv(stopped))
    checkpoint_path(stopped, "last").unlink()
    assert checkpoint_to_go_on_from(stopped, MetricsCsv(stopped)) is None


def test_the_checkpoint_of_another_run_is_none_of_this_one(stopped: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    by_hand.fit(by_hand.trainer_for(other, log_every_n_steps=3))
    for name in ("last", "previous"):
        checkpoint_path(other, name).replace(checkpoint_path(stopped, name))
    with pytest.raises(DataError, match=r"have changed|are missing"):
        checkpoint_to_go_on_from(stopped, MetricsCsv(stopped))
