"""Where numbers and pictures go beside the run folder: W&B and others, as configured.

Nothing that W&B does may cost a training run: what it cannot do is said once, and training goes on.
"""

import importlib.util
import logging
import netrc
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlparse

from lightning.pytorch.loggers import Logger, TensorBoardLogger, WandbLogger
from lightning.pytorch.utilities import rank_zero_only
from PIL import Image

from hourglass.errors import ConfigError
from hourglass.spec import NonNegative, Positive
from hourglass.summary import shown

log = logging.getLogger(__name__)


class PatientWandbLogger(WandbLogger):
    """A WandbLogger whose failures while logging are said once and cost nothing but W&B's copy."""

    failed = False

    def _try(self, action: Callable[[], Any]) -> None:
        if self.failed:
            return
        try:
            action()
        except Exception as error:  # whatever the client, its service process or the disk may raise
            self.failed = True
            log.warning(
                "W&B stopped recording (%s); training goes on, metrics.csv and images/ are complete", first_line(error)
            )

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
        """Close the run, so that the next one in this process gets its own."""
        import wandb

        self._try(lambda: wandb.finish(exit_code=exit_code))
        wandb.teardown()


def wandb_logger(
    folder: Path,
    run_id: str,
    name: str,
    group: str | None,
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
    if not is_rank_zero():
        return None  # one W&B run a training run

    def connect(mode: str) -> Logger:
        settings = wandb.Settings(init_timeout=init_timeout, finish_timeout=finish_timeout, console="off", silent=True)
        logger = PatientWandbLogger(
            save_dir=folder, id=None if os.environ.get("WANDB_SWEEP_ID") else run_id, name=name, group=group, mode=mode,
            project=project, entity=entity, tags=tags, job_type="train",
            settings=settings,
        )  # fmt: skip
        del logger._wandb_init["anonymous"]  # a deprecated argument that WandbLogger always passes
        _ = logger.experiment  # connect now, not inside fit()
        return logger

    import wandb

    later = f"upload it later with: wandb sync {shown(folder / 'wandb')}/offline-run-*"
    asked = mode if mode != "auto" else os.environ.get("WANDB_MODE", "online")
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
            log.warning("W&B cannot be reached (%s); this run is logged offline; %s", first_line(error), later)
            wandb.teardown()  # else the second try fails: the id is in use
            return connect("offline")
    except (OSError, wandb.errors.Error) as error:
        log.warning("W&B cannot record this run (%s); training goes on without it", first_line(error))
        return None


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
