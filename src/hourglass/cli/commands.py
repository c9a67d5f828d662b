"""From the command line to a run: what can be answered or refused without torch is, within a second."""

import difflib
import logging
import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from hourglass.config.identity import register_resolvers, run_id, settled
from hourglass.config.overrides import refuse_careless
from hourglass.core import signals
from hourglass.core.errors import ConfigError, HourglassError, Interrupted
from hourglass.core.files import replacing, unwritable
from hourglass.core.processes import supervisor
from hourglass.runs.job import Job
from hourglass.runs.status import read_summary, status_of
from hourglass.sweeps import progress, sweeps

CONF = Path(__file__).parents[3] / "conf"
QUESTIONS = {"--help", "-h", "--hydra-help", "--cfg", "-c", "--info", "-i", "--resolve"}
"""Arguments with which Hydra answers and runs nothing."""
GROUPS = ("model", "encoder", "latent", "decoder", "data", "corruption", "loss", "optimizer", "trainer", "experiment")


def main(task: Callable[[], object]) -> None:
    """Run a `@hydra.main` function; a mistake of the user ends in a short message and exit code 1."""
    register_resolvers()
    if os.environ.get("HYDRA_FULL_ERROR") == "1":
        _run(task)
        return
    os.environ["HYDRA_FULL_ERROR"] = "1"  # let errors reach us, instead of Hydra's printing and exiting
    try:
        _run(task)
    except (HourglassError, HydraException, OmegaConfBaseException) as error:
        sys.exit(f"\n{type(error).__name__}: {advice(error)}\n(HYDRA_FULL_ERROR=1 shows where it was raised)")
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


def _run(task: Callable[[], object]) -> None:
    try:
        try:
            _choose(task)
        finally:
            signals.check()  # whatever a library has made of it
    except Interrupted:
        signals.ignore()
        raise


def _choose(task: Callable[[], object]) -> None:
    given = sys.argv[1:]
    folder = next((a.removeprefix("resume=") for a in given if a.startswith("resume=")), None)
    if folder is not None:
        continue_run(Path(folder), [a for a in given if not a.startswith("resume=")])
        return
    searching = any(a.startswith("search=") for a in given)
    if (searching or any(a == "-m" or a.startswith("--multi") for a in given)) and not QUESTIONS & set(given):
        name_sweep(given)
    try:
        task()
    except sweeps.Refused as refused:
        raise refused.__cause__ or refused from None
    finally:
        fine = sweeps.current is None or tell(sweeps.current)
    if sweeps.current is not None and sweeps.settings is not None:
        progress.report(sweeps.current, sweeps.settings)
    if not fine:
        sys.exit(1)


def name_sweep(given: list[str]) -> None:
    """Give a sweep that has no name one made of its overrides."""
    if not any(a.startswith("sweep=") for a in given):
        overrides = [a for a in given if ("=" in a or a.startswith("~")) and not a.startswith("-")]
        sys.argv.append(f"sweep={sweeps.name_of(overrides)}")


def tell(folder: Path) -> bool:
    """The table of a sweep that has ended; whether every job ended well."""
    if not progress.read(folder)["jobs"]:
        return True
    table, fine = progress.closing(folder)
    print(table, flush=True)
    return fine


def continue_run(folder: Path, others: list[str]) -> None:
    """`resume=FOLDER`: go on with that run, as it was configured."""
    if others:
        raise ConfigError(f"resume= continues a run as it was configured: leave out {' '.join(others)}")
    if (folder / "sweep.json").exists():
        raise ConfigError(f"{folder} is a sweep: give its command again, and it goes on with what is not done")
    if not (folder / ".hydra" / "config.yaml").exists() or (summary := read_summary(folder)) is None:
        raise ConfigError(f"{folder} is not the folder of a run that was started: it has no summary.json")
    if status_of(folder) == "completed":
        raise ConfigError(f"{folder} is completed: there is nothing to continue")
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stdout), logging.FileHandler(folder / "train.log")]
    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=handlers)
    from hourglass.runs import build

    config = build.config_of(folder)
    if run_id(config) != summary["id"]:
        raise ConfigError(f"{folder / '.hydra'} was changed since the run began: start another with that")
    config.retry = "all"  # this one is asked for by name
    facts = {"choices": summary["choices"], "overrides": summary["overrides"], "group": summary["sweep"]}
    supervisor.single(config, Job(folder.resolve(), summary["id"], **facts))


def advice(error: Exception) -> str:
    """The error's message; for an unknown key with the nearest ones in place of Hydra's advice to add it."""
    if "Available options in" in str(error):
        return str(error).split("\nConfig search path")[0].rstrip()
    match = re.match(r"Could not override '([^']+)'|Key '([^']+)' is not in struct", str(error))
    if not match:
        return str(error)
    missing = match[1] or match[2]
    if missing.startswith("hydra.launcher."):
        return f"{missing} is no option of this launcher: choose another, such as hydra/launcher=joblib"
    with initialize_config_dir(str(CONF), version_base="1.3"):
        keys = dotted(compose("train"))
    # a whole path first, then the same name elsewhere
    near = difflib.get_close_matches(missing, keys, n=3, cutoff=0.7)
    near += [key for key in keys if key.split(".")[-1] == missing.split(".")[-1] and key not in near][:3]
    hint = f": did you mean {' or '.join(near)}?" if near else "; python train.py --cfg job shows the keys there are"
    return f"{missing} is no key of this configuration{hint}"


def dotted(node: object, prefix: str = "") -> list[str]:
    """Every key of a configuration, `optimizer.lr` style."""
    if not isinstance(node, DictConfig):
        return []
    keys: list[str] = []
    for key in node:
        path = f"{prefix}{key!s}"
        keys += [path, *dotted(node._get_node(key), f"{path}.")]
    return [key for key in keys if not key.split(".")[-1].startswith("_")]


def train(config: DictConfig) -> float | None:
    """The task of `train.py`: one run, by itself or as a job of a sweep."""
    hydra: Any = HydraConfig.get()
    refuse_careless(list(hydra.overrides.task))
    sweeping = hydra.mode == RunMode.MULTIRUN
    if not sweeping and (config.sweep is not None or config.retry is not None):
        raise ConfigError("sweep= and retry= are about many runs: start a sweep with -m")
    job = Job(
        folder=Path(hydra.runtime.output_dir),
        id=run_id(config),
        choices={group: hydra.runtime.choices[group] for group in GROUPS if hydra.runtime.choices.get(group)},
        overrides=list(hydra.overrides.task),
        group=str(config.sweep) if sweeping else None,
    )
    try:
        refuse_another_run(job)
        keep_configuration(job.folder / ".hydra", config, hydra)
    except OSError as error:
        raise unwritable(job.folder, error) from error
    if sweeping:
        return sweeps.run_job(config, job)
    if status_of(job.folder) == "completed":
        raise ConfigError(f"{job.folder} is completed: choose another hydra.run.dir")
    return supervisor.single(config, job)


def refuse_another_run(job: Job) -> None:
    """A folder belongs to one configuration for ever."""
    path = job.folder / ".hydra" / "config.yaml"
    if job.folder.name.endswith(job.id) or not path.exists():
        return
    theirs = run_id(OmegaConf.load(path))  # type: ignore[arg-type]
    if theirs != job.id:
        raise ConfigError(f"{job.folder} holds run {theirs}, this is {job.id}: choose another hydra.run.dir")


def keep_configuration(folder: Path, config: DictConfig, hydra: Any) -> None:
    """What Hydra would write into `.hydra/` each time, once."""
    if (folder / "config.yaml").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    OmegaConf.save(OmegaConf.create({"hydra": hydra}), folder / "hydra.yaml")
    OmegaConf.save(hydra.overrides.task, folder / "overrides.yaml")
    with replacing(folder / "config.yaml") as path:
        OmegaConf.save(settled(config), path)
