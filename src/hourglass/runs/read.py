"""Run and sweep folders, read: nothing in them is executed, whoever made them."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from hourglass.config.configuration import Configuration
from hourglass.config.interpolation import calls_resolver
from hourglass.config.slots import refuse_foreign_keys
from hourglass.core.errors import ConfigError, DataError, Torn
from hourglass.core.files import read_json
from hourglass.core.formats import FORMAT, check_format
from hourglass.core.text import printable

JOB_ID = re.compile(r"[0-9a-f]{8}")
OF_THE_COMMAND = ("sweep=", "retry=", "trial=", "hydra", "search=")
"""Overrides that say nothing of a job."""
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where PyYAML was built with it


def read_summary(folder: Path) -> dict[str, Any] | None:
    """`summary.json`, or None where there is none (yet). Raises Torn, or DataError for one of another format."""
    return _read_json(folder / "summary.json", ("status",), "the command that began the run goes on with it")


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
    sweep = _read_json(folder / "sweep.json", ("invocations", "jobs"), "the runs beside it are still read")
    if sweep is None:
        return {"format": FORMAT, "name": folder.name, "invocations": [], "jobs": {}}
    sweep["jobs"] = {job: entry for job, entry in sweep["jobs"].items() if JOB_ID.fullmatch(job)}
    return sweep


def _read_json(path: Path, keys: tuple[str, ...], without_it: str) -> dict[str, Any] | None:
    """A file that has these keys; `without_it`: what happens once a torn one is deleted."""
    try:
        content: dict[str, Any] = read_json(path)
        if not isinstance(content, dict):
            raise ValueError(f"it holds {type(content).__name__}")
        check_format(content, path)
        if missing := [key for key in keys if key not in content]:
            raise ValueError(f"it has no {', '.join(missing)}")
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError) as torn:  # of JSON and of UTF-8 too
        raise Torn(f"{path} is not whole ({torn}): delete it, and {without_it}") from torn
    return printable(content)


def read_configuration(folder: Path) -> Configuration:
    """The configuration of a run. Raises DataError where there is none, or a torn one.

    Raises ConfigError where it names anything but parts of this package, or asks for more than plain values.
    """
    path = folder / ".hydra" / "config.yaml"
    if not path.exists():
        raise DataError(f"{path} does not exist: {folder} is not a run folder")
    try:
        text = path.read_text(encoding="utf-8")
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader)):
            raise yaml.YAMLError("aliases, of which a few lines can make billions of nodes, are not read")
        written = yaml.load(text, Loader)  # nosec B506 # a safe one
    except (yaml.YAMLError, UnicodeDecodeError) as torn:
        reason = " ".join(str(torn).split())
        raise DataError(f"{path} cannot be read ({reason}): it was damaged after it was written") from torn
    if not isinstance(written, dict):
        raise DataError(f"{path} holds no configuration: it was damaged after it was written")
    refuse_foreign_keys(written, str(path))
    _refuse_resolvers(written, str(path))
    return Configuration(written, foreign=True)


def _refuse_resolvers(node: Any, path: str) -> None:
    if isinstance(node, dict | list):
        for key, inner in node.items() if isinstance(node, dict) else enumerate(node):
            _refuse_resolvers(inner, f"{path}.{key}")
    elif isinstance(node, str) and calls_resolver(node):
        raise ConfigError(
            f"{path}={node} asks for more than a value of the configuration; nothing was run. If you trust it, write "
            "the value there"
        )


def names_of(jobs: Mapping[str, Any], listed: Iterable[str]) -> dict[str, str]:
    """The `listed` of the jobs of a `sweep.json`, each by the overrides that set it apart from the others."""
    overrides = {identity: jobs[identity]["overrides"] for identity in listed}
    common = set.intersection(*map(set, overrides.values())) if len(overrides) > 1 else set()
    return {identity: as_line([o for o in job if o not in common]) or "-" for identity, job in overrides.items()}


def as_line(overrides: Iterable[str]) -> str:
    return " ".join(override for override in overrides if not override.startswith(OF_THE_COMMAND))
