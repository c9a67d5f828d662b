"""`requirements.lock` against `pyproject.toml`, and against what is installed."""

import re
import tomllib

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from helpers.project import ROOT
from helpers.requirements import needed

LINES = [line for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines() if line[0] != "#"]
PINNED = {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in LINES)}


def direct() -> list[Requirement]:
    """What `pyproject.toml` asks for, extras and all."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    return [one for texts in lists for one in map(Requirement, texts) if one.name != "hourglass"]


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
