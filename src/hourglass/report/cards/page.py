"""A folder of cards: a picture for each operator of `conf/`, an overview, and what they show, in `numbers.json`."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from hourglass.core.errors import ConfigError
from hourglass.report.cards.card import Row, save
from hourglass.report.cards.probes import probe
from hourglass.report.cards.untrained import measure, number
from hourglass.report.cards.variants import REFERENCE, Group, variants

Cards = dict[Group, list[list[Row]]]
"""The rows of each operator's card, the ways up first."""

NUMBERS = "numbers.json"


def write(folder: Path, cards: Cards | None = None) -> list[Path]:
    """Draw the cards, measured now if they are not given, and delete those of operators that are gone.

    Returns the files written. Raises ConfigError for a folder of other files.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / NUMBERS).exists():
        raise ConfigError(f"{folder} holds other files: choose a new folder for the cards")
    folder.mkdir(parents=True, exist_ok=True)
    cards = cards or measure_all()
    (folder / NUMBERS).write_text(numbers(cards), encoding="utf-8")
    for name in _drawn(folder) - pictures(cards).keys():
        (folder / name).unlink()
    for name, groups in pictures(cards).items():
        save(folder / name, groups)
    return [folder / name for name in (NUMBERS, *pictures(cards))]


def stale(folder: Path, cards: Cards | None = None) -> list[str]:
    """What `write` would change, one line each; a picture counts as changed where its numbers do.

    They may differ by two units of the last digit: machines round differently.
    """
    cards = cards or measure_all()
    problems = [f"{name}: no operator has this" for name in sorted(_drawn(folder) - pictures(cards).keys())]
    problems += [f"{name}: missing" for name in (NUMBERS, *pictures(cards)) if not (folder / name).exists()]
    if (folder / NUMBERS).exists():
        old, new = json.loads((folder / NUMBERS).read_text(encoding="utf-8")), json.loads(numbers(cards))
        for key in dict.fromkeys((*old, *new)):
            was, would_be = old.get(key, []), new.get(key, [])
            if len(was) != len(would_be) or any(abs(a - b) > 2.5e-4 for a, b in zip(was, would_be, strict=True)):
                problems.append(f"{NUMBERS}: {key} is {was} and would be {would_be}")
    return problems


def _drawn(folder: Path) -> set[str]:
    return {path.name for group in REFERENCE for path in folder.glob(f"{group}_*.png")}


def measure_all(only: Mapping[Group, Sequence[str]] | None = None, picture: Tensor | None = None) -> Cards:
    """Everything that the cards show of every variant, or of the operators named; takes half a minute for all.

    `picture`: as of `probe`.
    """
    names: dict[Group, Sequence[str] | None] = {"decoder": None, "encoder": None} if only is None else {**only}
    return {
        name: [[Row(v, probe(v, picture), measure(v)) for v in operator] for operator in variants(name, only=chosen)]
        for name, chosen in names.items()
    }


def pictures(cards: Cards) -> dict[str, Mapping[Group, Sequence[Row]]]:
    """File -> the rows that it shows."""
    files: dict[str, Mapping[Group, Sequence[Row]]] = {
        f"{group}_{rows[0].variant.name}.png": {group: rows} for group, operators in cards.items() for rows in operators
    }
    files["overview.png"] = {
        group: [row for rows in operators for row in rows if row.variant.is_default]
        for group, operators in cards.items()
    }
    return files


def numbers(cards: Cards) -> str:
    """JSON, one line for each panel of each variant, so that a change of what a picture shows can be read and found."""
    rows = [row for operators in cards.values() for rows in operators for row in rows]
    lines = [f'"{r.variant.overrides}: {title}": [{_digest(p)}]' for r in rows for title, p in r.panels.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _digest(panel: Tensor) -> str:
    """Mean, standard deviation, least, greatest, and a weighted mean that changes where two numbers change places."""
    weights = torch.arange(panel.numel(), dtype=panel.dtype).cos()
    values = (panel.mean(), panel.std(), panel.min(), panel.max(), (panel.flatten() * weights).mean())
    return ", ".join(number(value.item(), 4) for value in values)
