"""Weights & Biases, whose failures never cost a training run: each is reported in one line, and training goes on."""

import contextlib
import logging
import netrc
import os
import re
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from pathlib import Path
from typing import Any, Literal, TypeVar

from lightning.pytorch.loggers import Logger, WandbLogger
from lightning.pytorch.utilities import rank_zero_only

from hourglass.core.compat import wandb as client
from hourglass.core.compat.lightning import is_rank_zero
from hourglass.core.text import as_typed, first_line
from hourglass.core.types import NonNegative, Positive
from hourglass.training.loggers.contract import LoggedRun

log = logging.getLogger(__name__)
Result = TypeVar("Result")


PATIENCE = 10.0
"""Seconds that W&B's client may take for anything but an upload."""


class ResilientWandbLogger(WandbLogger):
    """Logs to a W&B run until the client fails, or hangs; that is reported once, and all that comes later is dropped.

    `finish_timeout`: seconds to wait for the upload at the end.
    """

    failed = False

    def __init__(self, run: Any, folder: Path, *, unreachable: bool, finish_timeout: float) -> None:
        super().__init__(save_dir=folder, project=run.project, experiment=run)
        self.finish_timeout = finish_timeout
        self.unreachable = unreachable
        """Should have been online, and is offline since the server could not be reached"""
        run.define_metric("trainer/global_step")
        run.define_metric("*", step_metric="trainer/global_step", step_sync=True)

    def _attempt(self, action: Callable[[], Any], patience: float = PATIENCE) -> None:
        try:
            within(patience, action)
        except Exception as error:  # whatever the client, its service process or the disk may raise
            if not self.failed:
                log.warning(
                    "W&B stopped recording (%s); training goes on, metrics.csv and images/ are complete",
                    first_line(error),
                )
            self.failed = True

    @rank_zero_only
    def log_metrics(self, metrics: Any, step: int | None = None) -> None:
        if not self.failed:
            self._attempt(lambda: super(ResilientWandbLogger, self).log_metrics(metrics, step))

    @rank_zero_only
    def log_hyperparams(self, params: Any) -> None:
        if not self.failed:
            self._attempt(lambda: super(ResilientWandbLogger, self).log_hyperparams(params))

    @rank_zero_only
    def log_image(self, key: str, images: list[Any], step: int | None = None, **kwargs: Any) -> None:
        if not self.failed:
            self._attempt(lambda: super(ResilientWandbLogger, self).log_image(key, images, step, **kwargs))

    @rank_zero_only
    def finish(self, exit_code: int) -> None:
        """Close the run and W&B's service process, so that the next run in this process gets its own."""
        upload = 0.0 if self.experiment.offline else self.finish_timeout
        self._attempt(lambda: self.experiment.finish(exit_code), upload + PATIENCE)
        self._attempt(client.stop_service)


def within(seconds: float, action: Callable[[], Result]) -> Result:
    """What `action` returns or raises; TimeoutError if it takes longer, and then W&B's service process is killed.

    In a thread of its own: the client waits for its service for ever, however that hangs.
    """
    outcome: Future[Result] = Future()

    def work() -> None:
        try:
            outcome.set_result(action())
        except BaseException as error:
            outcome.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    try:
        return outcome.result(seconds)
    except FutureTimeout:
        client.kill_service()
        raise TimeoutError(f"its service process has not answered for {seconds:.0f} s") from None


class WandbTerminal:
    """Takes what W&B's client would print while a run goes on: its first warning is passed on, with the cure."""

    def __init__(self, data: Path) -> None:
        self.data = data
        """The folder of the run's local copy"""
        self.warned = False

    def info(self, text: str) -> None:
        log.debug(text)

    def warning(self, text: str) -> None:
        if self.warned:
            log.debug(text)
            return
        self.warned = True
        plain = re.sub(r"\x1b\[[0-9;]*m", "", text)  # its colours
        log.warning(
            "W&B warns: %s Training goes on; what is missing there can be uploaded later with: "
            "wandb sync --include-online %s",
            plain.removeprefix("wandb: ").removeprefix("WARNING "), as_typed(self.data),
        )  # fmt: skip

    error = warning


def _kept_offline(run: LoggedRun) -> str:
    """What `wandb sync` is to be given: the run; in a sweep its report too, and every job."""
    folders = [run.folder]
    if run.group:
        sweep = run.folder if run.job_type == "report" else run.folder.parent
        folders = [sweep, sweep / "*"]
    return " ".join(str(as_typed(folder / "wandb" / "offline-run-*")) for folder in folders)


def wandb_logger(
    run: LoggedRun,
    *,
    project: str,
    entity: str | None,
    mode: Literal["auto", "online", "offline"],
    tags: list[str],
    init_timeout: Positive,
    finish_timeout: NonNegative,
) -> Logger | None:
    """A connected W&B logger, online if a key is configured (`mode=auto`), else offline; None where it cannot write.

    Unreachable within `init_timeout` seconds: the run is logged offline. Each of these is reported in one line.
    """
    if not is_rank_zero():
        return None  # one W&B run a training run
    import wandb  # takes 2 s, so only where it is used

    later = f"upload it later with: wandb sync {_kept_offline(run)}"

    def connect(run_mode: Any, *, unreachable: bool = False) -> Logger:
        client.start_service()
        with client.launch_left_out():
            experiment = wandb.init(
                dir=run.folder, name=run.name, group=run.group, job_type=run.job_type, resume="allow",
                id=None if os.environ.get("WANDB_SWEEP_ID") else run.id,  # the agent of a W&B sweep gives one
                mode=run_mode, project=project, entity=entity, tags=tags,
                settings=client.run_settings(init_timeout, finish_timeout),
                reinit="create_new",  # not W&B's global run, which the next logger would adopt
            )  # fmt: skip
        client.send_messages_to(WandbTerminal(Path(experiment.dir).parent))
        return ResilientWandbLogger(experiment, run.folder, unreachable=unreachable, finish_timeout=finish_timeout)

    wanted = "offline" if run.offline else mode if mode != "auto" else os.environ.get("WANDB_MODE", "online")
    try:
        client.switch_off_telemetry()
        check_writable(run.folder / "wandb")
        if wanted == "online" and mode == "auto" and not has_wandb_key():
            log.info("W&B: no API key is configured (wandb login), so this run is logged offline; %s", later)
            wanted = "offline"
        patience = init_timeout + PATIENCE
        try:
            return within(patience, lambda: connect(wanted))
        except wandb.errors.Error as error:
            if wanted != "online":
                raise
            log.warning("W&B cannot be reached (%s); this run is logged offline; %s", first_line(error), later)
            within(PATIENCE, client.stop_service)  # else the second try fails: the id is in use
            return within(patience, lambda: connect("offline", unreachable=True))
    except Exception as error:  # a full disk, a client that does not start, an unreadable .netrc, …
        log.warning("W&B cannot record this run (%s); training goes on without it", first_line(error))
        if not isinstance(error, TimeoutError):
            with contextlib.suppress(Exception):  # it has ended already, and would say so once more at the exit
                within(PATIENCE, client.stop_service)
        return None


def check_writable(folder: Path) -> None:
    """Raise OSError unless files can be made in `folder`; W&B itself would silently turn to a temporary one."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"\0" * 4096)
        file.flush()


def has_wandb_key() -> bool:
    """Is there an API key, in the environment or where `wandb login` leaves it? Without using the network."""
    if os.environ.get("WANDB_API_KEY") or os.environ.get("WANDB_IDENTITY_TOKEN_FILE"):
        return True
    path = Path(os.path.expanduser(os.environ.get("NETRC", "~/.netrc")))  # "~" stays where there is no home
    host = client.server_host()
    return path.exists() and host is not None and netrc.netrc(path).authenticators(host) is not None
