"""The run folder that Hydra has chosen: whose it is, the configuration in it, and what is left where it goes wrong."""

import contextlib
import os
import shutil
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from hourglass.config.compose import GROUPS
from hourglass.config.configuration import Configuration
from hourglass.core.compat.hydra import overrides_of
from hourglass.core.errors import ConfigError, Fault, HourglassError
from hourglass.core.files import replacing, unwritable
from hourglass.core.processes.environment import is_first
from hourglass.core.text import as_typed
from hourglass.runs.job import Job
from hourglass.runs.read import read_configuration


def job_of(configuration: Configuration, hydra: Any, group: str | None = None) -> Job:
    """Who the run is that Hydra has prepared; `hydra` is Hydra's own part of the configuration."""
    choices = {name: hydra.runtime.choices[name] for name in GROUPS if hydra.runtime.choices.get(name)}
    return Job(Path(hydra.runtime.output_dir), configuration.id, choices, overrides_of(hydra), group, found_by(hydra))


def found_by(hydra: Any) -> list[str]:
    """The options of the command line by which Hydra finds options that are not in `conf/`."""
    folders = [source.path for source in hydra.runtime.config_sources if source.provider == "command-line"]
    named = [text for folder in folders for text in ("--config-dir", str(as_typed(Path(folder))))]
    return named + [o for o in hydra.overrides.hydra if o.lstrip("+").startswith("hydra.searchpath=")]


def keep_configuration(configuration: Configuration, job: Job, hydra: Any) -> None:
    """Write into `.hydra/` what Hydra would write each time, once: a folder belongs to one configuration for ever.

    Raises ConfigError where the folder holds another run, StorageError where it cannot be written.
    """
    if not is_first():
        return  # whether all have the same one is asked when they meet
    folder = job.folder / ".hydra"
    if (folder / "config.yaml").exists():
        if not job.folder.name.endswith(job.id) and (theirs := read_configuration(job.folder).id) != job.id:
            raise ConfigError(f"{job.folder} holds run {theirs}, this is {job.id}: choose another hydra.run.dir")
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        OmegaConf.save(OmegaConf.create({"hydra": hydra}), folder / "hydra.yaml")
        OmegaConf.save(hydra.overrides.task, folder / "overrides.yaml")
        with replacing(folder / "config.yaml") as path:
            path.write_text(configuration.as_yaml, encoding="utf-8")
    except OSError as error:
        raise unwritable(job.folder, error) from error


BEFORE_TRAINING = {".hydra", ".lock", "train.log", "summary.json", "wandb", "tensorboard"}


def discard(folder: Path) -> None:
    """Remove the folder of a run that was refused, unless anything was trained or lies in it that is not ours."""
    if is_first() and {path.name for path in folder.iterdir()} <= BEFORE_TRAINING:
        shutil.rmtree(folder)
        if folder.is_relative_to(Path.cwd()):
            with contextlib.suppress(OSError):  # others are in there
                os.removedirs(folder.parent.relative_to(Path.cwd()))


@contextlib.contextmanager
def faults_kept(folder: Path) -> Iterator[None]:
    """What is nobody's mistake is raised as a Fault, its traceback in the `train.log` of the run."""
    try:
        yield
    except (HourglassError, OSError):
        raise
    except Exception as error:
        log = folder / "train.log"
        with log.open("a", encoding="utf-8") as file:
            file.writelines(traceback.format_exception(error))
        raise Fault(log) from error
