"""What a sweep declares before its first run: the metric that decides, which difference counts as none, and since when.

An experiment's file says so, or the command line of a sweep; `sweep.json` keeps it with every command, and the report
goes by it. None of it is part of a run, so none of it is in an id.
"""

import re
from collections.abc import Iterable, Mapping, MutableSequence, Sequence
from typing import Any, NamedTuple

from hourglass.core.errors import ConfigError
from hourglass.core.measures import direction, find
from hourglass.core.text import as_option

KEYS = ("primary", "equivalent_within", "reference", "tasks", "fixed")
DECIBELS = "dB"
SHOWN = 3
"""Files that are named where more have changed"""
Declared = dict[str, str]
"""Those of `KEYS` that are declared"""


class Margin(NamedTuple):
    """Differences inside ± this count as none."""

    amount: float
    unit: str
    """`dB`; empty: it is a share of the mean of the reference"""


def parse_margin(text: str) -> Margin:
    """`5 %` or `0.05`, a share of the mean of the reference; `0.1 dB`. Raises ConfigError for anything else."""
    match = re.fullmatch(r"(\d+(?:\.\d*)?|\.\d+)\s*(%|dB)?", text.strip())
    unit = match[2] or "" if match else ""
    amount = float(match[1]) / (100 if unit == "%" else 1) if match else 0
    if amount == 0 or (unit != DECIBELS and amount >= 1):
        raise ConfigError(
            f"equivalent_within={text}: give a share of the mean of the reference, as in 5 % or 0.05, or decibels, as "
            "in 0.1 dB"
        )
    return Margin(amount, unit.strip("%"))


def margin_of(text: str, metric: str, unit: str | None) -> Margin:
    """The margin for a metric of this unit, None where it is not known. Raises ConfigError for one in another unit."""
    margin = parse_margin(text)
    if unit is not None and (margin.unit == DECIBELS) != (unit == DECIBELS):
        cure = f"is in {DECIBELS}: say 0.1 {DECIBELS}" if unit == DECIBELS else f"is not in {DECIBELS}: say 5 %"
        raise ConfigError(f"equivalent_within={text}: {metric} {cure}")
    return margin


def declared(configured: Mapping[str, Any]) -> Declared:
    """What a configuration declares, as text. Raises ConfigError for what says nothing."""
    given = {key: configured.get(key) for key in KEYS}
    given["tasks"] = list(given["tasks"]) if isinstance(given["tasks"], MutableSequence) else given["tasks"]
    values = {key: as_option(value) for key, value in given.items() if value is not None}
    if "primary" in values:
        _refuse_undecided(values["primary"])
    if "equivalent_within" in values:
        if "primary" not in values:
            raise ConfigError("equivalent_within= is the margin of one metric: say which, as in primary=test/mse")
        found = find(values["primary"].partition("/")[2])
        margin_of(values["equivalent_within"], values["primary"], found[0].unit if found else None)
    for part in parts_of(values.get("reference", "")):
        if "" in part:
            raise ConfigError(
                f"reference={values['reference']}: give keys and values, as in 'reference=\"decoder=resize\"'"
            )
    if "tasks" in values and not (isinstance(given["tasks"], list) and all(isinstance(k, str) for k in given["tasks"])):
        raise ConfigError(f"tasks={values['tasks']}: give a list of keys, as in tasks=[encoder.dim]")
    if "fixed" in values and not isinstance(given["fixed"], str):
        raise ConfigError(
            f"""fixed= was read as the number {values["fixed"]}: put the commit in quotes, as in "fixed='12e4567'\""""
        )
    if "fixed" in values and not re.fullmatch("[0-9a-f]{7,40}", values["fixed"]):
        raise ConfigError(f"fixed={values['fixed']}: give a commit, 7 to 40 hexadecimal digits")
    return values


def _refuse_undecided(primary: str) -> None:
    """Raise ConfigError for a metric none of whose values is better than another: nothing could be concluded of it."""
    group, slash, what = primary.partition("/")
    if not slash:
        raise ConfigError(f"primary={primary}: name it with its group, as in test/mse")
    if group in ("real", "baseline"):
        raise ConfigError(f"primary={primary} has no network in it: say primary=test/mse, or ratio/… over a baseline")
    found = find(what)
    if found is None or direction(primary, found[0]):
        return
    cure = f"gap/{what}, its distance from the real images" if found[0].better == "real" else "test/mse"
    raise ConfigError(f"primary={primary} has no better end, so it can decide nothing: use primary={cure}")


def tasks_in(declared: Declared) -> list[str]:
    """The keys whose values are declared to be tasks of their own: results of one say nothing of another."""
    return declared["tasks"].strip("[]").split(",") if "tasks" in declared else []


def refuse_unswept(declared: Declared, *jobs: Iterable[Sequence[str]]) -> None:
    """Raise ConfigError for a reference that none of the jobs is, each given by its overrides, though they say what has
    its keys; a key that no job gives may be chosen by a preset."""
    reference = declared.get("reference", "")
    every = [
        dict(override.replace(" ", "").lstrip("+").partition("=")[::2] for override in job)
        for some in jobs
        for job in some
    ]
    for key, value in parts_of(reference):
        given = {job[key] for job in every if key in job}
        if given and value not in given:
            raise ConfigError(
                f"reference={reference}: the others are to be held against {key}={value}, which no job has: add it to "
                f"{key}={','.join(sorted(given))}, or say another reference, or reference=null"
            )
    if every and not any(all(job.get(key, value) == value for key, value in parts_of(reference)) for job in every):
        raise ConfigError(
            f"reference={reference}: no job has all of that: sweep over what is missing, or say another reference, or "
            "reference=null"
        )


def parts_of(reference: str) -> list[tuple[str, str]]:
    """`decoder=resize, channels=[16,32]` -> (decoder, resize) and (channels, [16,32])"""
    parts = [part.replace(" ", "") for part in re.split(r",\s*(?=[\w./]+=)", reference.strip()) if part]
    return [(key, value) for key, _, value in (part.partition("=") for part in parts)]


def declared_in(invocations: Sequence[Mapping[str, Any]]) -> Declared:
    """By the last command of a `sweep.json`."""
    return dict(invocations[-1].get("declared", {})) if invocations else {}


def standing(invocations: Sequence[Mapping[str, Any]]) -> str:
    """Is a sweep a test of hypotheses that were fixed before, or exploratory? In a sentence, with every reason.

    It goes by what `sweep.json` recorded when its commands were given, so it needs no repository.
    """
    declared = declared_in(invocations)
    fixed = declared.get("fixed")
    reasons = [] if fixed else ["no commit is declared (fixed=) at which its hypotheses were fixed"]
    if any(invocation.get("declared", {}) != declared for invocation in invocations):
        reasons.append("what is declared changed between its commands")
    different = len(set(map(_asked_for, invocations))) > 1
    if different and not (fixed and all(invocation.get("beside_fixed") == [] for invocation in invocations)):
        reasons.append("its commands planned different jobs")
    changes = [invocation.get("changed_since_fixed") for invocation in invocations]
    if fixed and None in changes:
        reasons.append(f"what had changed since commit {fixed} is not known, for lack of git or of that commit")
    files = list(dict.fromkeys(file for changed in changes for file in changed or []))
    if files:
        more = f" and {len(files) - SHOWN} more" if len(files) > SHOWN else ""
        reasons.append(f"{', '.join(files[:SHOWN])}{more} had changed since commit {fixed}")
    given = [invocation["beside_fixed"] for invocation in invocations if "beside_fixed" in invocation]
    if fixed and None in given and None not in changes:
        reasons.append(f"commit {fixed} has no file of an experiment that it follows")
    if words := list(dict.fromkeys(word for of_command in given for word in of_command or [])):
        reasons.append(f"its command gave {', '.join(words)}, which the experiment's file does not name")
    if reasons:
        return f"Exploratory: {'; '.join(reasons)}."
    commands = "its file names every command" if different else "every command planned the same jobs"
    return (
        f"Its hypotheses were fixed at commit {fixed}, before the first run: neither src nor conf had changed since, "
        f"and {commands}."
    )


def _asked_for(invocation: Mapping[str, Any]) -> frozenset[str]:
    """The jobs that a command planned; its words where the jobs follow from results, as those of a tuned sweep do."""
    if invocation.get("jobs") and "tuning" not in invocation:
        return frozenset(invocation["jobs"])
    return frozenset(word for word in invocation.get("overrides", []) if not word.startswith("retry="))
