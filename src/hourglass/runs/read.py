"""Run and sweep folders, read: nothing in them is executed, whoever made them."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from types import NoneType
from typing import Any

import yaml
from omegaconf.errors import OmegaConfBaseException

from hourglass.config.configuration import Configuration
from hourglass.config.identity import is_volatile
from hourglass.config.interpolation import calls_resolver, grown
from hourglass.config.slots import refuse_foreign_keys, trusted
from hourglass.core.errors import ConfigError, Torn
from hourglass.core.files import read_text, within
from hourglass.core.formats import FORMAT, Summary, Sweep, read_form, refuse_gaps

JOB_ID = re.compile(r"[0-9a-f]{8}")
LARGEST, DEEPEST, LONGEST, MOST = 32_000, 50, 500, 1_000_000
"""Of a `config.yaml`: bytes, of which ours have 3,000; levels; characters of a value with references; and values and
characters once these are followed."""
OF_SUMMARY = ": delete it, and the command that began the run goes on with it"
"""What to do where `summary.json` is torn"""
PICTURES = "logs/pictures"
"""Where the pictures of a run folder that was read are decoded to"""
TUNING = "reported=false"
"""The override of a job that only serves to tune others."""
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where PyYAML was built with it


def read_summary(folder: Path, needs: Sequence[str] = ()) -> dict[str, Any] | None:
    """`summary.json`, with the keys it `needs`; None where there is none (yet).

    Raises Torn, or DataError for one of another format.
    """
    try:
        return read_form(folder / "summary.json", folder, Summary, ("status", *needs), cure=OF_SUMMARY)
    except FileNotFoundError:
        return None


def check_summary(summary: Mapping[str, Any], needs: Sequence[str], folder: Path) -> None:
    """Raise Torn where the `summary.json` that was read in this folder lacks keys that it `needs`."""
    refuse_gaps(summary, needs, folder / "summary.json", OF_SUMMARY)


def summary_of(folder: Path) -> dict[str, Any]:
    """`summary.json` as far as it is there: empty where it is missing or torn."""
    try:
        return read_summary(folder) or {}
    except Torn:
        return {}


def read_sweep(folder: Path) -> dict[str, Any]:
    """`sweep.json`; an empty sweep where there is none. Raises Torn, or DataError for one of another format.

    A job lies right inside the sweep, under its id: whatever else is named as one is left out.
    """
    sweep = _sweep_as_written(folder)
    sweep["jobs"] = {job: entry for job, entry in sweep["jobs"].items() if JOB_ID.fullmatch(job)}
    return sweep


def no_jobs(folder: Path) -> list[str]:
    """What `sweep.json` names as jobs and `read_sweep` leaves out."""
    return [job for job in _sweep_as_written(folder)["jobs"] if not JOB_ID.fullmatch(job)]


def _sweep_as_written(folder: Path) -> dict[str, Any]:
    cure = ": delete it, and the runs beside it are still read"
    try:
        return read_form(folder / "sweep.json", folder, Sweep, cure=cure)
    except FileNotFoundError:
        return {"format": FORMAT, "name": folder.name, "invocations": [], "jobs": {}}


def read_configuration(folder: Path, trust: Sequence[str] = ()) -> Configuration:
    """The configuration of a run; parts of the packages in `trust` may be made of it, beside those of `conf/`.

    Raises Torn where it is missing or damaged, ConfigError where it asks for more than plain values.
    """
    path = folder / ".hydra" / "config.yaml"
    try:
        return distrusted(lambda: _plain_yaml(read_text(path, folder, largest=LARGEST)), str(path), trust)
    except FileNotFoundError as error:
        raise Torn(f"{path} does not exist: {folder} is not a run folder") from error


def distrusted(read: Callable[[], dict[str, Any]], path: str, trust: Sequence[str]) -> Configuration:
    """What `read` returns of the file `path`, which anybody may have made, as a configuration; raises as above."""
    packages = trusted(trust)
    try:
        written = read()
        refuse_foreign_keys(written, path)
        _refuse_values(written, path)
        grown(written, MOST)
        if isinstance(data := written.get("data"), dict):  # nothing is written to wherever a stranger says
            ours = {key: value for key, value in {"download": False, "cache": PICTURES}.items() if key in data}
            written = written | {"data": data | ours}
        configuration = Configuration(written, packages)
        _ = configuration.plain  # resolved now: what is wrong with it is said here
    except (FileNotFoundError, ConfigError):
        raise
    except (yaml.YAMLError, OmegaConfBaseException, ValueError, RecursionError) as torn:
        reason = " ".join(str(torn).split())
        raise Torn(f"{path} cannot be read ({reason}): it was damaged after it was written") from torn
    return configuration


def check_identity(folder: Path, summary: Mapping[str, Any], configuration: Configuration) -> None:
    """Raise Torn where a run says that it is another than its configuration."""
    if summary["id"] != configuration.id:
        raise Torn(
            f"{folder / 'summary.json'} is of run {summary['id']}, and the configuration beside it of run "
            f"{configuration.id}: one of them was changed or copied, so this is no result of it"
        )


def refuse_ways_out(folder: Path) -> None:
    """Raise Torn where a link in a run folder, in which is to be written, leads out of it, or a pipe lies there."""
    for path in [*folder.glob("*"), *folder.glob("*/*")]:
        there = within(path, folder)
        if there.exists() and not (there.is_file() or there.is_dir()):
            raise Torn(f"{path} is no regular file: nothing was read or written there")


def _plain_yaml(text: str) -> dict[str, Any]:
    """Runs of one sweep have most parts of their configurations in common: each of these is parsed once."""
    try:
        parts = [_mapping(part) for part in PART.split(text) if part.strip()]
    except yaml.YAMLError:  # it is broken, or goes on in the first column
        parts = []
    if not parts:
        return _mapping(text)
    return {key: value for part in parts for key, value in part.items()}


PART = re.compile(r"^(?=\w+:)", re.MULTILINE)
"""Where a key at the top of a configuration begins"""


@lru_cache(1000)
def _mapping(text: str) -> dict[str, Any]:
    """Which is shared: nobody changes it."""
    depth = 0
    for event in yaml.parse(text, Loader):
        if isinstance(event, yaml.AliasEvent):
            raise yaml.YAMLError("aliases, of which a few lines can make billions of nodes, are not read")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise yaml.YAMLError(f"it is nested deeper than {DEEPEST} levels")
    written = yaml.load(text, Loader)  # nosec B506 # a safe one
    if not isinstance(written, dict):
        raise yaml.YAMLError("it holds no configuration")
    return written


def _refuse_values(node: Any, path: str) -> None:
    """Raise ConfigError where a value calls a resolver, ValueError for one that no configuration has."""
    if isinstance(node, (dict, list)):
        for key, inner in node.items() if isinstance(node, dict) else enumerate(node):
            _refuse_values(inner, f"{path}.{key}")
    elif isinstance(node, str) and "${" in node and len(node) > LONGEST:
        raise ValueError(f"{path} holds references in more than {LONGEST} characters")
    elif isinstance(node, str) and calls_resolver(node):
        raise ConfigError(
            f"{path}={node} asks for more than a value of the configuration; nothing was run. If you trust it, write "
            "the value there"
        )
    elif not isinstance(node, (str, int, float, NoneType)) or (isinstance(node, int) and abs(node) >= 2**63):
        raise ValueError(f"{path} is no text and no number")


def names_of(jobs: Mapping[str, Any], listed: Iterable[str]) -> dict[str, str]:
    """The `listed` of the jobs of a `sweep.json`, each by the overrides that set it apart from the others."""
    overrides = {identity: jobs[identity]["overrides"] for identity in listed}
    common = set.intersection(*map(set, overrides.values())) if len(overrides) > 1 else set()
    return {identity: as_line([o for o in job if o not in common]) or "-" for identity, job in overrides.items()}


def is_tuning(overrides: Sequence[str]) -> bool:
    """Does a job of these overrides only serve to tune others?"""
    return TUNING in overrides


def of_job(overrides: Iterable[str]) -> list[str]:
    """Without those that make it no other job: they say where, how, and for which sweep it is carried out."""
    return [override for override in overrides if not is_volatile(override.lstrip("+~").partition("=")[0])]


def as_line(overrides: Iterable[str]) -> str:
    return " ".join(of_job(overrides))
