"""W&B's client is still what we rely on: an upgrade that changes it fails the test of a function that relies on it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import wandb

from helpers.project import run_command
from hourglass.core.compat import wandb as compat


@pytest.fixture(autouse=True)
def _a_service_of_its_own() -> Iterator[None]:
    wandb.teardown()  # of the test before: it reads its environment anew
    yield
    wandb.teardown()


class Terminal:
    """Keeps what it gets."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, str]] = []

    def info(self, text: str) -> None:
        self.messages.append(("info", text))

    def warning(self, text: str) -> None:
        self.messages.append(("warning", text))

    def error(self, text: str) -> None:
        self.messages.append(("error", text))


def test_the_terminal_gets_what_the_client_would_print(capfd: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    compat.start_service()
    compat.send_messages_to(terminal)
    wandb.termlog("one")
    wandb.termwarn("two")
    wandb.termerror("three")
    assert [kind for kind, _ in terminal.messages] == ["info", "warning", "error"]
    for (_, text), word in zip(terminal.messages, ("one", "two", "three"), strict=True):
        assert word in text
        assert "wandb" in text  # the prefix that `WandbTerminal` takes off
    assert capfd.readouterr() == ("", "")


def test_settings_are_known_to_the_client() -> None:
    settings = compat.run_settings(3.0, 4.0)
    assert isinstance(settings, wandb.Settings)
    assert (settings.init_timeout, settings.finish_timeout, settings.x_stats_pid) == (3.0, 4.0, os.getpid())
    with pytest.raises(ValueError, match="x_stats_pidd"):
        wandb.Settings(x_stats_pidd=1)  # what it does not know it refuses


def test_the_pid_of_a_forked_job_is_its_own() -> None:
    """By default it is that of the process that imported the client."""
    if (pid := os.fork()) == 0:
        own = compat.run_settings(1.0, 1.0).x_stats_pid == os.getpid() != wandb.Settings().x_stats_pid
        os._exit(0 if own else 1)
    assert os.waitpid(pid, 0)[1] == 0


def test_telemetry_is_off_and_the_user_may_switch_it_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WANDB_ERROR_REPORTING", raising=False)
    assert wandb.env.error_reporting_enabled()
    monkeypatch.setenv("WANDB_ERROR_REPORTING", "true")
    compat.switch_off_telemetry()
    assert wandb.env.error_reporting_enabled()
    monkeypatch.delenv("WANDB_ERROR_REPORTING")
    compat.switch_off_telemetry()
    assert not wandb.env.error_reporting_enabled()


def test_the_server_is_the_configured_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_BASE_URL", "http://our-own-server:8080")
    assert compat.server_host() == "our-own-server"


@pytest.mark.slow
def test_a_service_that_was_killed_is_a_connection_error(tmp_path: Path) -> None:
    compat.start_service()
    wandb.init(mode="offline", dir=tmp_path, settings=compat.run_settings(3.0, 3.0), reinit="create_new")
    pids = subprocess.run(
        ["pgrep", "-n", "-P", str(os.getpid()), "wandb-core"], capture_output=True, text=True, check=True
    )
    os.kill(int(pids.stdout), signal.SIGKILL)
    time.sleep(0.2)
    with pytest.raises(ConnectionError):
        compat.stop_service()


PRELOADED = """
import os, sys
from hourglass.core.compat import wandb as compat
compat.preload()
compat.switch_off_telemetry()
before = set(sys.modules)
for job in "ab":
    if (pid := os.fork()) == 0:
        import numpy, wandb
        with compat.launch_left_out():
            run = wandb.init(mode="offline", dir=sys.argv[1], id=job)
        run.log({"x": 1.0, "picture": wandb.Image(numpy.zeros((4, 4)))})
        wandb.finish()
        wandb.teardown()
        os._exit(0 if len(set(sys.modules) - before) < 50 else 1)
    assert os.waitpid(pid, 0)[1] == 0
"""


@pytest.mark.slow
def test_each_forked_job_imports_little_and_gets_a_service_of_its_own(tmp_path: Path) -> None:
    done = run_command("-c", PRELOADED, str(tmp_path), WANDB_SILENT="true", timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert len(list(tmp_path.glob("wandb/offline-run-*/run-[ab].wandb"))) == 2


def test_launch_is_left_out_unless_it_has_inputs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from wandb.sdk.launch.inputs import internal

    applied: list[wandb.Run] = []
    monkeypatch.setattr(internal.StagedLaunchInputs, "apply", lambda _, run: applied.append(run))
    for module in ("wandb.sdk.launch.inputs.internal", None):
        with monkeypatch.context() as context:
            if module:
                context.delitem(sys.modules, module)
            with compat.launch_left_out():
                run = wandb.init(mode="offline", dir=tmp_path, reinit="create_new")
            run.finish()
            assert applied == ([] if module else [run])
