"""Nothing that W&B does may cost a training run."""

import logging
import os
from pathlib import Path

import pytest
import wandb

from hourglass import loggers
from hourglass.loggers import PatientWandbLogger, wandb_logger

VALUES = {"project": "test", "entity": None, "tags": [], "init_timeout": 3.0, "finish_timeout": 3.0}


def connect(folder: Path, mode: str = "auto") -> PatientWandbLogger | None:
    return wandb_logger(folder, "cafe0123", "conv/maxpool-resize/0", "group", mode=mode, **VALUES)  # type: ignore[arg-type, return-value]


def test_without_a_key_it_is_offline_and_says_so_in_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    logger = connect(tmp_path)
    assert logger is not None
    logger.log_metrics({"x": 1.0}, step=0)
    logger.finish(exit_code=0)
    assert [record.message for record in caplog.records if "W&B" in record.message] == [
        f"W&B: no API key is configured (wandb login), so this run is logged offline; "
        f"upload it later with: wandb sync {tmp_path / 'wandb'}/offline-run-*"
    ]
    assert list(tmp_path.glob("wandb/offline-run-*/run-cafe0123.wandb"))
    assert "WANDB_MODE" not in os.environ
    assert wandb.run is None


def test_a_key_is_found_where_wandb_login_leaves_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not loggers.has_wandb_key()
    host = loggers.urlparse(wandb.setup().settings.base_url).hostname
    (tmp_path / "netrc").write_text(f"machine {host}\n  login user\n  password {'a' * 40}\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert loggers.has_wandb_key()
    monkeypatch.delenv("NETRC")
    monkeypatch.setenv("WANDB_API_KEY", "a" * 40)
    assert loggers.has_wandb_key()


def test_without_network_it_goes_on_offline(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "a" * 40)
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")  # nobody listens there
    wandb.teardown()
    logger = connect(tmp_path)
    assert logger is not None
    logger.finish(exit_code=0)
    assert "W&B cannot be reached" in caplog.text
    assert "this run is logged offline" in caplog.text
    assert list(tmp_path.glob("wandb/offline-run-*/run-cafe0123.wandb"))


def test_a_folder_that_cannot_be_written_costs_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "wandb").write_text("a file stands where the folder should")
    assert connect(tmp_path) is None
    assert "training goes on without it" in caplog.text


def test_a_full_disk_costs_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(loggers.tempfile, "TemporaryFile", full)
    assert connect(tmp_path) is None
    assert "No space left on device" in caplog.text


def test_a_failure_in_the_middle_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    logger = connect(tmp_path, "offline")
    assert logger is not None
    logger.experiment.finish()  # as if its service had gone
    for step in range(3):
        logger.log_metrics({"x": 1.0}, step=step)
    logger.log_image("picture", [])
    assert caplog.text.count("W&B stopped recording") == 1
    logger.finish(exit_code=1)
