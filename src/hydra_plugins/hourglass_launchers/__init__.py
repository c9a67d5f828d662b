"""Engines that run the jobs of a sweep in parallel: other packages' launchers, and Ray. Light imports only.

hydra-ray-launcher 1.2.2 cannot be installed beside the others, since it wants cloudpickle<3; so Ray has one here.
"""

import importlib
import logging
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, JobStatus, run_job, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.plugins.search_path_plugin import SearchPathPlugin
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf, open_dict

from hourglass.config.compose import CONF, images_read_once
from hourglass.config.configuration import Configuration
from hourglass.core import signals
from hourglass.core.compat.hydra import Jobs
from hourglass.core.errors import ConfigError, Interrupted
from hourglass.core.processes.environment import at_a_time
from hourglass.core.text import first_line
from hourglass.runs.read import as_line, names_of
from hourglass.runs.status import status_of, to_do, value_of
from hourglass.sweeps import slurm


def _module(name: str, extra: str) -> Any:
    """The module of that name; raises ConfigError with the cure where the extra is not installed."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        raise ConfigError(f"this launcher needs packages more: pip install 'hourglass[{extra}]'") from None


class OurFilesFirst(SearchPathPlugin):
    """Forgets the plugins' own `joblib` and `submitit_*`: Hydra would merge our files in `conf/` with them, and warn.

    Only where the application is ours: Hydra loads the plugins of an environment into all of its applications. It calls
    this once all plugins are loaded, which is all that it is a SearchPathPlugin for.
    """

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        main = [entry.path for entry in search_path.get_path() if entry.provider == "main"]
        if not {str(CONF), f"file://{CONF}"} & set(main):
            return
        known = ConfigStore.instance().repo["hydra"]["launcher"]
        for name in ("joblib", "submitit_local", "submitit_slurm"):
            known.pop(f"{name}.yaml", None)


class JoblibLauncher(Launcher):
    """hydra-joblib-launcher, `n_jobs` at a time."""

    home = ("hydra_plugins.hydra_joblib_launcher.joblib_launcher", "joblib")
    name = "JoblibLauncher"

    def __init__(self, **options: Any) -> None:
        self.options = options

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.engine: Any = getattr(_module(*self.home), self.name)(**self.options)
        self.engine.setup(hydra_context=hydra_context, task_function=task_function, config=config)

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        returns: Sequence[JobReturn] = self.engine.launch(job_overrides, initial_job_idx)
        return returns


class SubmititSlurmLauncher(JoblibLauncher):
    """One task of an array a job, called as hydra-submitit-launcher does, and waited for as `slurm` does."""

    jobs_outlive_it = True  # Ctrl-C ends the waiting; scancel ends the jobs
    home = ("hydra_plugins.hydra_submitit_launcher.submitit_launcher", "submitit")
    name = "SlurmLauncher"

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        super().setup(hydra_context=hydra_context, task_function=task_function, config=config)
        self.sweep: Any = task_function.sweep  # type: ignore[attr-defined] # of ours
        self.composer = Jobs(hydra_context, config)

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        with images_read_once():
            configurations = [Configuration.of(self.composer.compose(job)) for job in job_overrides]
        folder, state = self.sweep.folder, Singleton.get_state()
        todo = {
            configuration.id: (list(overrides), "hydra.sweep.dir", initial_job_idx + i, configuration.id, state)
            for i, (configuration, overrides) in enumerate(zip(configurations, job_overrides, strict=True))
            if to_do(status_of(folder / configuration.id), self.sweep.retry)
        }
        results: dict[str, Any] = {}
        if todo:
            options = self.filled([one for one in configurations if one.id in todo])
            jobs = slurm.submit(folder, options, self.engine, todo)
            names = names_of({identity: {"overrides": job[0]} for identity, job in todo.items()}, todo)
            by_job = {jobs[identity]: name for identity, name in names.items()}
            returned = slurm.results(options, by_job, slurm.wait(jobs.values()))
            results = {identity: returned[job] for identity, job in jobs.items()}
        return [
            results.get(configuration.id) or _ended(folder / configuration.id, overrides, configuration)
            for configuration, overrides in zip(configurations, job_overrides, strict=True)
        ]

    def filled(self, configurations: Sequence[Configuration]) -> dict[str, Any]:
        """The options, with the GPUs that these jobs need."""
        plain = {k: OmegaConf.to_container(v) if OmegaConf.is_config(v) else v for k, v in self.options.items()}
        return slurm.with_gpus(plain, configurations)

    def script(self, configurations: Sequence[Configuration]) -> str:
        """What `sbatch` would be given for these jobs."""
        _module(*self.home)
        return slurm.script(self.filled(configurations), len(configurations))


def _ended(folder: Path, overrides: Sequence[str], configuration: Configuration) -> JobReturn:
    """What a sweeper asks of a job that has not returned here: it was done before, or it died."""
    if configuration.plain["data"].get("root") is not None and folder.exists():
        from hourglass.sweeps.jobs import refuse_other_images  # torch

        refuse_other_images(configuration, folder)
    about = OmegaConf.create({"hydra": {"runtime": {"output_dir": str(folder)}}})
    job = JobReturn(overrides=overrides, hydra_cfg=about, status=JobStatus.COMPLETED)
    job.return_value = value_of(folder)
    return job


class SubmititLocalLauncher(JoblibLauncher):
    """The same on this machine, `n_jobs` at a time; by itself it starts all jobs of a sweep at once."""

    home = SubmititSlurmLauncher.home
    name = "LocalLauncher"

    def __init__(self, n_jobs: int, **options: Any) -> None:
        super().__init__(**options)
        self.n_jobs = at_a_time(n_jobs)

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        returns: list[JobReturn] = []
        for first in range(0, len(job_overrides), self.n_jobs):
            returns += self.engine.launch(job_overrides[first : first + self.n_jobs], initial_job_idx + first)
        return returns


class RayLauncher(Launcher):
    """Each job is a Ray task of `cpus_per_job` and `gpus_per_job`, on a Ray of its own or the one at `address`.

    On several machines they all need this environment and the same folders, by a shared file system.
    """

    def __init__(
        self, address: str | None, n_jobs: int, cpus_per_job: float, gpus_per_job: float, max_retries: int
    ) -> None:
        self.address, self.n_jobs = address, at_a_time(n_jobs)
        self.resources: dict[str, Any] = {"num_cpus": cpus_per_job, "num_gpus": gpus_per_job}
        self.max_retries = max_retries

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.context, self.task, self.config = hydra_context, task_function, config
        self.ray = _module("ray", "ray")

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        setup_globals()
        Path(str(self.config.hydra.sweep.dir)).mkdir(parents=True, exist_ok=True)
        if not self.ray.is_initialized():
            self._connect()
        run = self.ray.remote(**self.resources, max_retries=self.max_retries)(_run)
        same = (self.context, self.config, self.task, Singleton.get_state())
        tasks = [run.remote(initial_job_idx + i, list(overrides), *same) for i, overrides in enumerate(job_overrides)]
        return [_uninterrupted(self._returned(task, job)) for task, job in zip(tasks, job_overrides, strict=True)]

    def _connect(self) -> None:
        """Raises ConfigError where there is no cluster, or none of its machines has what a job asks for."""
        own = {"num_cpus": self.n_jobs * self.resources["num_cpus"], "include_dashboard": False}
        refused = f"no Ray answers at hydra.launcher.address={self.address}: start it there with ray start --head"
        host, _, port = (self.address or "").partition(":")
        try:
            if port.isdigit():  # Ray would try for two minutes, and end this process
                socket.create_connection((host, int(port)), timeout=10).close()
            with signals.kept():  # Ray would end this process in the middle
                self.ray.init(self.address or "local", logging_level=logging.WARNING, **({} if self.address else own))
        except OSError as error:
            raise ConfigError(refused) from error
        have = {"num_cpus": "CPU", "num_gpus": "GPU"}
        machines = [node["Resources"] for node in self.ray.nodes() if node["Alive"]]
        if not any(all(one.get(have[key], 0) >= n for key, n in self.resources.items()) for one in machines):
            raise ConfigError(
                f"no machine of this Ray has {self.resources['num_cpus']} CPUs and {self.resources['num_gpus']} GPUs "
                "for a job: ask for less with hydra.launcher.cpus_per_job and hydra.launcher.gpus_per_job"
            )

    def _returned(self, task: Any, overrides: Sequence[str]) -> JobReturn | Interrupted:
        """What a job has returned; without a value where its machine was lost once too often."""
        lost = self.ray.exceptions
        try:
            returned: JobReturn | Interrupted = self.ray.get(task)
        except (lost.WorkerCrashedError, lost.NodeDiedError, lost.OutOfMemoryError) as error:
            print(f"  lost by Ray ({first_line(error)}): {as_line(overrides)}; the same command starts it again")
            return JobReturn(overrides=overrides, status=JobStatus.COMPLETED)
        return returned


def _uninterrupted(job: JobReturn | Interrupted) -> JobReturn:
    """Raise it where it was interrupted."""
    if isinstance(job, Interrupted):
        raise job
    return job


def _run(
    number: int,
    overrides: list[str],
    context: HydraContext,
    config: DictConfig,
    task: TaskFunction,
    singletons: Any,
) -> JobReturn | Interrupted:
    """One job, in the process of a Ray worker. Returns Interrupted, for Ray takes a SystemExit for a worker's death."""
    setup_globals()
    Singleton.set_state(singletons)
    job = context.config_loader.load_sweep_config(config, overrides)
    with open_dict(job):
        job.hydra.job.id, job.hydra.job.num = f"{job.hydra.job.name}_{number}", number
    HydraConfig.instance().set_config(job)
    try:
        return run_job(task, job, "hydra.sweep.dir", "hydra.sweep.subdir", context)
    except Interrupted as interrupted:
        return interrupted
