"""What we touch of Hydra that is private: `@hydra.main` for a command line and a task that are values.

`hydra.main` reads `sys.argv` and takes the task by decoration, so an application cannot compose beside it, for a plan
of the whole sweep, nor hand it a name for the sweep. Its inner functions can: `_run_hydra`, `get_args_parser`,
`Hydra.create_main_hydra2`, `create_automatic_config_search_path`, `BasicSweeper.split_arguments`, and to compose many
jobs at once `ConfigLoaderImpl._parse_overrides_and_create_caching_repo` and `_apply_overrides_to_config`.
"""

import os
import pickle  # nosec B403
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from hydra import version
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra._internal.hydra import Hydra
from hydra._internal.utils import _run_hydra, create_automatic_config_search_path, get_args_parser
from hydra.core.config_search_path import SearchPathQuery
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.plugins.config_source import ConfigSource
from hydra.types import HydraContext, RunMode
from omegaconf import DictConfig, OmegaConf

from hourglass.core.errors import ConfigError


class Application:
    """A Hydra application: a folder of configurations, the name of the first one, and a command line."""

    def __init__(self, conf: Path, name: str, arguments: Sequence[str]) -> None:
        self.parser = get_args_parser()
        self.arguments = self.parser.parse_intermixed_args(list(arguments))  # -m in the middle, too
        self.conf, self.name = self.arguments.config_path or str(conf), self.arguments.config_name or name
        if not self.conf.startswith("pkg://"):  # relative to where one is, not to a file of ours
            self.conf = self.arguments.config_path = os.path.abspath(self.conf)

    @property
    def overrides(self) -> list[str]:
        return list(self.arguments.overrides)

    @property
    def is_question(self) -> bool:
        """Does Hydra answer this command line by itself, and run nothing?"""
        a = self.arguments
        return bool(a.help or a.hydra_help or a.cfg or a.info or a.shell_completion or a.resolve)

    def run(self, task: Callable[[DictConfig], Any], more_overrides: Sequence[str] = ()) -> None:
        """As `@hydra.main` does: answer a question, or compose, prepare and call the task, once or for each job."""
        self._prepare()
        self.arguments.overrides = [*self.overrides, *more_overrides]
        _run_hydra(self.arguments, self.parser, task, self.conf, self.name)

    def run_once(self, task: Callable[[DictConfig], Any]) -> None:
        """`run` where there is one job: `_run_hydra` would compose it twice, for its mode and for the task."""
        self._prepare()
        with self.loaded() as hydra:
            hydra.run(self.name, task, [*self.overrides, "hydra.mode=RUN"])

    def _prepare(self) -> None:
        if self.arguments.experimental_rerun is not None:
            raise ConfigError("--experimental-rerun: use resume=FOLDER, which continues a run as it was configured")
        version.setbase("1.3")

    @contextmanager
    def loaded(self) -> Iterator[Hydra]:
        """Hydra with the search path of this command line, to compose with, beside `run`."""
        version.setbase("1.3")
        search_path = create_automatic_config_search_path(None, None, self.conf)
        if self.arguments.config_dir is not None:
            folder = Path(self.arguments.config_dir).resolve()
            if not folder.is_dir():
                raise ConfigError(f"--config-dir: there is no folder {folder}")
            search_path.prepend("command-line", f"file://{folder}", SearchPathQuery(provider="schema"))
        hydra = Hydra.create_main_hydra2(self.name, search_path)
        try:
            yield hydra
        finally:
            GlobalHydra.instance().clear()


def overrides_of(hydra: DictConfig) -> list[str]:
    """The command line, as Hydra's part of a configuration keeps it: `optimizer.lr=${seed}` as it was written."""
    return OmegaConf.to_container(hydra.overrides.task)  # type: ignore[return-value]


def compose_sweep(hydra: Hydra, name: str, overrides: Sequence[str]) -> DictConfig:
    """What all jobs of a sweep share, with Hydra's own part."""
    return hydra.compose_config(name, list(overrides), run_mode=RunMode.MULTIRUN, with_log_configuration=False)


def jobs_of_sweep(config: DictConfig, without: Collection[str] = ()) -> list[list[str]]:
    """The overrides of each job that Hydra's own sweeper will launch for a composed sweep, in its order.

    `without`: keys that are left out, as if nothing were said of them.
    """
    parsed = [override for override in given_of_sweep(config) if override.get_key_element() not in without]
    return [job for batch in BasicSweeper.split_arguments(parsed, None) for job in batch]


def values_of_sweep(config: DictConfig, key: str) -> list[str]:
    """The values that a composed sweep has for a key, as overrides spell them; none where nothing is said of it."""
    others = {override.get_key_element() for override in given_of_sweep(config)} - {key}
    return [override.split("=", 1)[1] for job in jobs_of_sweep(config, others) for override in job]


def given_of_sweep(config: DictConfig) -> list[Override]:
    """What the experiment and the command line say, in this order: the last one wins."""
    given = [f"{key}={value}" for key, value in (config.hydra.sweeper.get("params") or {}).items()]
    return OverridesParser.create().parse_overrides([*given, *overrides_of(config.hydra)])


class Jobs:
    """The jobs of a composed sweep, each as Hydra will compose it when it launches it, but without Hydra's own part.

    Composing takes a tenth of a second: options are found, read and merged. Hydra puts values into what that gives at
    the very end, so jobs that choose the same options are composed once together.
    """

    def __init__(self, hydra: Hydra | HydraContext, sweep: DictConfig) -> None:
        assert isinstance(hydra.config_loader, ConfigLoaderImpl)
        self.loader = ConfigLoaderImpl(hydra.config_loader.config_search_path)  # a launcher pickles the other
        self.sweep = sweep
        for source in self.loader.repository.get_sources():
            _parse_once(source)
        given = sweep.hydra.job.config_name, list(sweep.hydra.overrides.hydra)
        _, self.files = self.loader._parse_overrides_and_create_caching_repo(*given)
        self.composed: dict[tuple[str, ...], bytes] = {}  # options -> pickled, which makes the quickest copies
        self.values: dict[str, Override | None] = {}

    def compose(self, overrides: Sequence[str]) -> DictConfig:
        values = [self._value(text) for text in overrides]
        options = tuple(text for text, value in zip(overrides, values, strict=True) if value is None)
        if options not in self.composed:
            config = self.loader.load_sweep_config(self.sweep, list(options))
            ours = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
            OmegaConf.set_struct(ours, True)  # as Hydra's is: a mere value adds no key
            self.composed[options] = pickle.dumps(ours)
        job: DictConfig = pickle.loads(self.composed[options])  # nosec B301 # ours
        ConfigLoaderImpl._apply_overrides_to_config([value for value in values if value is not None], job)
        return job

    def _value(self, text: str) -> Override | None:
        """An override that puts in a value; None where it takes part in composing: see `defaults_list.Overrides`."""
        if text not in self.values:
            (override,) = OverridesParser.create().parse_overrides([text])
            is_option = self.files.group_exists(override.key_or_group) and not isinstance(override.value(), dict)
            self.values[text] = None if is_option or override.is_hydra_override() else override
        return self.values[text]


def _parse_once(source: ConfigSource) -> None:
    """Let a source keep what it has read: Hydra parses every file anew for each configuration that it composes."""
    load = source.load_config
    kept = cache(lambda path: pickle.dumps(load(path)))
    source.load_config = lambda config_path: pickle.loads(kept(config_path))  # type: ignore[method-assign] # nosec B301
