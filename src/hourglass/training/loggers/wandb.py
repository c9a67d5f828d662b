"""Where numbers and pictures go beside the run folder: W&B and others, as configured.

Nothing that W&B does may cost a training run: what it cannot do is said once, and training goes on.
"""

import importlib.util
import logging
import netrc
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlparse

from lightning.pytorch.loggers import Logger, TensorBoardLogger, WandbLogger
from lightning.pytorch.utilities import rank_zero_only
from PIL import Image

from hourglass.core.errors import ConfigError
from hourglass.core.types import NonNegative, Positive
from hourglass.runs.summary import shown

log = logging.getLogger(__name__)
OFFLINE = "HOURGLASS_WANDB_OFFLINE"
"""Environment variable: `1` logs offline at once and says nothing, for the jobs of a sweep after an unreachable one."""
_unreachable = False


class PatientWandbLogger(WandbLogger):
    """A WandbLogger whose failures are said once and cost nothing but W&B's copy."""

    failed = False

    def _try(self, action: Callable[[], Any]) -> None:
        if not self.failed:
            self._survive(action)

    def _survive(self, action: Callable[[], Any]) -> None:
        try:
            action()
        except Exception as error:  # whatever the client, its service process or the disk may raise
            if not self.failed:
                log.warning(
                    "W&B stopped recording (%s); training goes on, metrics.csv and images/ are complete",
                    first_line(error),
                )
            self.failed = True

    @rank_zero_only
    def log_metrics(self, metrics: Any, step: int | None = None) -> None:
        self._try(lambda: super(PatientWandbLogger, self).log_metrics(metrics, step))

    @rank_zero_only
    def log_hyperparams(self, params: Any) -> None:
        self._try(lambda: super(PatientWandbLogger, self).log_hyperparams(params))

    @rank_zero_only
    def log_image(self, key: str, images: list[Any], step: int | None = None, **kwargs: Any) -> None:
        self._try(lambda: super(PatientWandbLogger, self).log_image(key, images, step, **kwargs))

    @rank_zero_only
    def finish(self, exit_code: int) -> None:
        """Close the run and W&B's service process, so that the next run in this process gets its own."""
        self._survive(lambda: self.experiment.finish(exit_code))
        self._survive(stop_service)


class Complaints:
    """Takes what W&B's client would print while a run goes on: its first warning is said, with the cure."""

    def __init__(self, data: Path):
        self.data = data
        """The folder of the run's own copy."""
        self.said = False

    def info(self, text: str) -> None:
        log.debug(text)

    def warning(self, text: str) -> None:
        if self.said:
            log.debug(text)
            return
        self.said = True
        plain = re.sub(r"\x1b\[[0-9;]*m", "", text)  # its colours
        log.warning(
            "W&B warns: %s Training goes on; what is missing there can be uploaded later with: "
            "wandb sync --include-online %s",
            plain.removeprefix("wandb: ").removeprefix("WARNING "), shown(self.data),
        )  # fmt: skip

    error = warning


def wandb_logger(
    folder: Path,
    run_id: str,
    name: str,
    group: str | None,
    job_type: str = "train",
    *,
    project: str,
    entity: str | None,
    mode: Literal["auto", "online", "offline"],
    tags: list[str],
    init_timeout: Positive,
    finish_timeout: NonNegative,
) -> Logger | None:
    """A connected W&B logger, online if a key is configured (`mode=auto`), else offline; None where it cannot write.

    Unreachable within `init_timeout` seconds: the run is logged offline. Each of these is said in one line.
    """
    global _unreachable
    if not is_rank_zero():
        return None  # one W&B run a training run
    # W&B's telemetry of its own client waits 10 s for a silent network when the process ends, offline too
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
    import wandb

    folders = folder.parent / "*" if group else folder  # with a group: every job of the sweep
    later = f"upload it later with: wandb sync {shown(folders / 'wandb' / 'offline-run-*')}"

    def connect(mode: str) -> Logger:
        quiet = wandb.Settings(silent=True)
        wandb.setup(quiet)
        settings = wandb.Settings(
            init_timeout=init_timeout, finish_timeout=finish_timeout, console="off", silent=True,
            x_stats_pid=os.getpid(),  # by default that of the process that imported wandb, which a sweep's jobs forked
        )  # fmt: skip
        logger = PatientWandbLogger(
            save_dir=folder, id=None if os.environ.get("WANDB_SWEEP_ID") else run_id, name=name, group=group, mode=mode,
            project=project, entity=entity, tags=tags, job_type=job_type,
            settings=settings, reinit="create_new",  # not W&B's global run, which the next logger would adopt
        )  # fmt: skip
        del logger._wandb_init["anonymous"]  # a deprecated argument that WandbLogger always passes
        run = logger.experiment  # connect now, not inside fit()
        wandb.termsetup(quiet, Complaints(Path(run.dir).parent))
        return logger

    asked = mode if mode != "auto" else os.environ.get("WANDB_MODE", "online")
    if os.environ.get(OFFLINE) == "1":
        asked = "offline"
    try:
        check_writable(folder / "wandb")
        if asked == "online" and mode == "auto" and not has_wandb_key():
            log.info("W&B: no API key is configured (wandb login), so this run is logged offline; %s", later)
            asked = "offline"
        try:
            return connect(asked)
        except wandb.errors.Error as error:
            if asked != "online":
                raise
            _unreachable = True
            log.warning("W&B cannot be reached (%s); this run is logged offline; %s", first_line(error), later)
            stop_service()  # else the second try fails: the id is in use
            return connect("offline")
    except Exception as error:  # a full disk, a client that does not start, an unreadable .netrc, …
        log.warning("W&B cannot record this run (%s); training goes on without it", first_line(error))
        return None


def unreachable() -> bool:
    """Has a run of this process tried to go online, and could not?"""
    return _unreachable


def stop_service() -> None:
    """End W&B's service process; raises ConnectionError where it had died."""
    import wandb

    try:
        wandb.teardown()
    except SystemExit as error:  # how the client reports that its service was killed while it stopped
        raise ConnectionError(f"its service process ended with {error.code}") from None


def preload() -> None:
    """Import what a W&B run will import, in the process that jobs are forked from; starts nothing."""
    importlib.import_module("requests")
    importlib.import_module("wandb.sdk.launch")


def is_rank_zero() -> bool:
    return rank_zero_only.rank == 0  # type: ignore[attr-defined]


def check_writable(folder: Path) -> None:
    """Raise OSError unless files can be made in `folder`; W&B itself would silently turn to a temporary one."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"\0" * 4096)
        file.flush()


def has_wandb_key() -> bool:
    """Is there an API key, in the environment or where `wandb login` leaves it? The network is not asked."""
    import wandb

    if os.environ.get("WANDB_API_KEY") or os.environ.get("WANDB_IDENTITY_TOKEN_FILE"):
        return True
    path = Path(os.environ.get("NETRC", "~/.netrc")).expanduser()
    host = urlparse(wandb.setup().settings.base_url).hostname
    return path.exists() and host is not None and netrc.netrc(path).authenticators(host) is not None


def tensorboard_logger(folder: Path, run_id: str, name: str, group: str | None) -> Logger:
    """TensorBoard event files under `tensorboard/` in the run folder; needs the `tensorboard` extra."""
    if importlib.util.find_spec("tensorboard") is None:
        raise ConfigError("logger=tensorboard needs a package more: pip install -e '.[tensorboard]'")
    return TensorBoardLogger(save_dir=folder, name="tensorboard", version="", default_hp_metric=False)


def log_image(logger: Logger, key: str, picture: Image.Image, step: int) -> None:
    if isinstance(logger, WandbLogger):
        logger.log_image(key, [picture])
    elif isinstance(logger, TensorBoardLogger):
        import numpy as np

        logger.experiment.add_image(key, np.asarray(picture), step, dataformats="HWC")


def first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
