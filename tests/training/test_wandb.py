"""Nothing that W&B does may cost a training run."""

import logging
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import wandb

from helpers.fake_wandb import FakeWandb
from helpers.project import run_command
from hourglass.core.compat.wandb import server_host
from hourglass.training.loggers import LoggedRun, ResilientWandbLogger, wandb_logger
from hourglass.training.loggers import wandb as loggers

VALUES = {"project": "test", "entity": None, "tags": [], "init_timeout": 3.0, "finish_timeout": 3.0}


def connect(folder: Path, mode: str = "auto", *, offline: bool = False) -> ResilientWandbLogger | None:
    wandb.teardown()  # of the test before: it reads its environment anew
    run = LoggedRun(folder, "cafe0123", "conv/maxpool-resize/0", "group", offline=offline)
    return wandb_logger(run, mode=mode, **VALUES)  # type: ignore[arg-type, return-value]


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.name == loggers.__name__]


def test_without_a_key_it_is_offline_and_reports_it_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    logger = connect(tmp_path)
    assert logger is not None
    assert not logger.unreachable
    logger.log_metrics({"x": 1.0}, step=0)
    logger.finish(exit_code=0)
    sweep = tmp_path.parent
    assert messages(caplog) == [  # with a group: the report, and all jobs
        f"W&B: no API key is configured (wandb login), so this run is logged offline; "
        f"upload it later with: wandb sync {sweep}/wandb/offline-run-* {sweep}/*/wandb/offline-run-*"
    ]
    assert list(tmp_path.glob("wandb/offline-run-*/run-cafe0123.wandb"))
    assert "WANDB_MODE" not in os.environ
    assert wandb.run is None


def test_a_key_is_found_where_wandb_login_leaves_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not loggers.has_wandb_key()
    (tmp_path / "netrc").write_text(f"machine {server_host()}\n  login user\n  password {'a' * 40}\n")
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
    logger = connect(tmp_path)
    assert logger is not None
    logger.finish(exit_code=0)
    assert logger.unreachable
    (message,) = messages(caplog)
    assert "W&B cannot be reached" in message
    assert "this run is logged offline" in message
    assert list(tmp_path.glob("wandb/offline-run-*/run-cafe0123.wandb"))


def test_a_folder_that_cannot_be_written_costs_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "wandb").write_text("a file stands where the folder should")
    assert connect(tmp_path) is None
    assert "training goes on without it" in caplog.text


def test_a_netrc_that_cannot_be_read_costs_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("no netrc at all")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
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


def test_a_failure_in_the_middle_is_reported_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    logger = connect(tmp_path, "offline")
    assert logger is not None
    logger.experiment.finish()  # as if its service had gone
    for step in range(3):
        logger.log_metrics({"x": 1.0}, step=step)
    logger.log_image("picture", [])
    assert caplog.text.count("W&B stopped recording") == 1
    logger.finish(exit_code=1)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeWandb]:
    with FakeWandb() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.mark.slow
def test_a_silent_server_is_waited_for_as_long_as_configured(
    tmp_path: Path, server: FakeWandb, caplog: pytest.LogCaptureFixture
) -> None:
    server.mode = "silent"
    start = time.monotonic()
    logger = connect(tmp_path)
    assert 3 < time.monotonic() - start < 12  # of these 3 are `init_timeout`
    assert logger is not None
    logger.finish(exit_code=0)
    assert logger.unreachable
    assert len(messages(caplog)) == 1


def test_later_jobs_of_an_unreachable_sweep_do_not_ask_again(
    tmp_path: Path, server: FakeWandb, caplog: pytest.LogCaptureFixture
) -> None:
    logger = connect(tmp_path, offline=True)
    assert logger is not None
    logger.finish(exit_code=0)
    assert server.calls == []
    assert messages(caplog) == []
    assert list(tmp_path.glob("wandb/offline-run-*/run-cafe0123.wandb"))


def test_a_refusal_in_the_middle_is_reported_once_with_the_cure(
    tmp_path: Path, server: FakeWandb, caplog: pytest.LogCaptureFixture
) -> None:
    logger = connect(tmp_path)
    assert logger is not None
    server.mode = "refuse"
    for step in range(3):
        logger.log_metrics({"x": 1.0}, step=step)
    logger.finish(exit_code=0)
    (folder,) = tmp_path.glob("wandb/run-*")
    (message,) = messages(caplog)
    assert message.startswith("W&B warns: Fatal error while uploading data.")
    assert message.endswith(f"wandb sync --include-online {folder}")


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["online", "offline"])
def test_a_run_that_goes_on_is_the_same_run(mode: str, tmp_path: Path, server: FakeWandb) -> None:
    for steps, exit_code in (((0, 1, 2), 1), ((3, 4), 0)):
        logger = connect(tmp_path, mode)
        assert logger is not None
        for step in steps:
            logger.log_metrics({"x": step / 10}, step=step)
        logger.finish(exit_code)
        if mode == "online":
            assert server.runs["cafe0123"].state == ("failed" if exit_code else "finished")
        time.sleep(1)  # folders are named by the second
    if mode == "offline":
        assert not server.runs
        done = run_command("-m", "wandb", "sync", *map(str, tmp_path.glob("wandb/offline-run-*")), cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    assert list(server.runs) == ["cafe0123"]
    run = server.runs["cafe0123"]
    assert run.values("x") == [0.0, 0.1, 0.2, 0.3, 0.4]
    assert run.values("trainer/global_step") == run.values("_step") == [0, 1, 2, 3, 4]
    assert run.group == "group"


def test_a_killed_service_costs_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    logger = connect(tmp_path, "offline")
    assert logger is not None
    pids = subprocess.run(["pgrep", "-P", str(os.getpid()), "wandb-core"], capture_output=True, text=True, check=True)
    os.kill(int(pids.stdout), signal.SIGKILL)  # as the kernel does where memory runs out
    time.sleep(0.2)
    for step in range(3):
        logger.log_metrics({"x": 1.0}, step=step)
    logger.finish(exit_code=0)
    (message,) = messages(caplog)
    assert message.startswith("W&B stopped recording")
    again = connect(tmp_path, "offline")  # a service and a run of its own
    assert again is not None
    again.log_metrics({"x": 1.0}, step=0)
    again.finish(exit_code=0)
    assert len(messages(caplog)) == 1


def test_a_service_that_has_stopped_answering_is_waited_for_and_ended(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loggers, "PATIENCE", 1.0)
    logger = connect(tmp_path)
    assert logger is not None
    service = wandb.setup()._connection._proc._process  # type: ignore[union-attr]
    os.kill(service.pid, signal.SIGSTOP)
    start = time.monotonic()
    for step in range(5):
        logger.log_metrics({"x": 1.0}, step=step)
    logger.finish(exit_code=0)
    assert time.monotonic() - start < 10
    assert service.wait(timeout=5) == -signal.SIGKILL
    assert [message for message in messages(caplog) if "stopped recording" in message] == [
        "W&B stopped recording (its service process has not answered for 1 s); training goes on, metrics.csv and "
        "images/ are complete"
    ]
