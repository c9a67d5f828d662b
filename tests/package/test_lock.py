"""`requirements.lock` against `pyproject.toml`, and against what is installed."""

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from helpers.project import ROOT

LINES = [line for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines() if line[0] != "#"]
PINNED = {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in LINES)}


def direct() -> list[Requirement]:
    """What `pyproject.toml` asks for, extras and all."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    return [one for texts in lists for one in map(Requirement, texts) if one.name != "hourglass"]


def needed(requirement: Requirement, seen: set[tuple[str, str]]) -> Iterator[str]:
    """The name of a package and of all that it needs here, as far as that is installed."""
    name = canonicalize_name(requirement.name)
    yield name
    for extra in ["", *requirement.extras]:
        if (name, extra) not in seen:
            seen.add((name, extra))
            try:
                inner = map(Requirement, requires(name) or [])
            except PackageNotFoundError:  # what the notebooks need, for one
                return
            for one in inner:
                if one.marker is None or one.marker.evaluate({"extra": extra}):
                    yield from needed(one, seen)


def test_every_dependency_is_pinned_within_its_range() -> None:
    outside = [str(one) for one in direct() if not one.specifier.contains(PINNED.get(canonicalize_name(one.name), "0"))]
    assert outside == [], "renew requirements.lock, as it says at its top"


def test_what_they_need_is_pinned_too() -> None:
    seen: set[tuple[str, str]] = set()
    missing = {name for one in direct() for name in needed(one, seen)} - set(PINNED)
    assert missing - {"setuptools", "pip"} == set(), "renew requirements.lock, as it says at its top"


def test_the_lock_holds_names_and_versions_and_nothing_of_a_machine() -> None:
    assert [line for line in LINES if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.!+]*", line)] == []
    assert len(PINNED) == len(LINES)
    assert not {"hourglass", "pip", "setuptools"} & set(PINNED)
