"""What we use of W&B's client 0.31 and it does not promise: experimental settings, its terminal, its service process.

One function each; `tests/core/test_compat_wandb.py` fails where an upgrade changes what it relies on. The client takes
2 s to import, so each imports it when it is called.
"""

import importlib.util
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlparse


def preload() -> None:
    """Import what a run will import, in the process that jobs are forked from; starts nothing.

    Also read the list of installed packages, which `wandb.init` keeps with each run: a third of a second.
    """
    for module in ("requests", *(["pandas"] if importlib.util.find_spec("pandas") else [])):
        importlib.import_module(module)
    from wandb import util

    packages = list(util.working_set())
    util.working_set = lambda: iter(packages)


@contextmanager
def launch_left_out() -> Iterator[None]:
    """Keep `wandb.init` from importing W&B Launch, a second and a half, to find that nobody has given it inputs.

    It looks for them in a module that whoever has given some has imported.
    """
    from wandb.sdk.wandb_run import Run

    look_for_inputs = Run._detect_and_apply_job_inputs
    if "wandb.sdk.launch.inputs.internal" not in sys.modules:
        Run._detect_and_apply_job_inputs = lambda self: None  # type: ignore[method-assign]
    try:
        yield
    finally:
        Run._detect_and_apply_job_inputs = look_for_inputs  # type: ignore[method-assign]


def switch_off_telemetry() -> None:
    """Keep the client from reporting about itself: with a silent network it waits 10 s for that when a process ends.

    It does so offline too. `WANDB_ERROR_REPORTING` is read by the client and by its service process.
    """
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")


def start_service() -> None:
    """Prepare the client in this process, without a word on the screen."""
    import wandb

    wandb.setup(wandb.Settings(silent=True))


def server_host() -> str | None:
    """The name of the server, as it stands in a .netrc; it is configured in several places, which the client knows."""
    import wandb

    return urlparse(wandb.setup().settings.base_url).hostname


def run_settings(init_timeout: float, finish_timeout: float) -> Any:
    """`wandb.Settings` of a silent run that waits as long as given, in seconds, and records this process's resources.

    `x_stats_pid` would otherwise be the process that imported wandb, from which the jobs of a sweep are forked.
    """
    import wandb

    return wandb.Settings(
        init_timeout=init_timeout, finish_timeout=finish_timeout, console="off", silent=True, x_stats_pid=os.getpid()
    )


def send_messages_to(terminal: Any) -> None:
    """Give what the started client would print, with colours and prefix, to `terminal`'s info, warning and error."""
    import wandb

    wandb.termsetup(wandb.Settings(silent=True), terminal)


def kill_service() -> None:
    """Kill the service processes of this process, which may be stopped or hang, without asking the client.

    That may itself be waiting for one that does not start, with a lock held.
    """
    for listed in Path("/proc/self/task").glob("*/children"):  # on Linux; elsewhere it is left to itself
        for child in listed.read_text(encoding="utf-8").split():
            if Path(f"/proc/{child}/comm").read_text(encoding="utf-8").strip() == "wandb-core":
                os.kill(int(child), signal.SIGKILL)


def stop_service() -> None:
    """End W&B's service process; raises ConnectionError where it had died.

    The client reports that its service was killed by a SystemExit, which would end the run.
    """
    import wandb

    try:
        wandb.teardown()
    except SystemExit as error:
        raise ConnectionError(f"its service process ended with {error.code}") from None
