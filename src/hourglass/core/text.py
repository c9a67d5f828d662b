"""Numbers, paths and messages as people read them."""

import difflib
import json
import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

IN_CHECKOUT = (Path(__file__).parents[3] / "train.py").is_file()
"""Is this a checkout with its scripts, or an installed package with the command `hourglass`?"""


def command(name: str) -> str:
    """What one types for a command: `python train.py` in a checkout, `hourglass train` elsewhere."""
    return f"python {name}.py" if IN_CHECKOUT else f"hourglass {name}"


def first_line(message: object, longest: int = 160) -> str:
    """The first line of a message, or of an error: its type where it has no message; cut after `longest` characters."""
    text = str(message or "").strip()
    if not text and isinstance(message, BaseException):
        return type(message).__name__
    first = text.split("\n")[0]
    return first if len(first) <= longest else f"{first[: longest - 1]}…"


def meant(wrong: str, names: Iterable[str], *, most: int = 1, cutoff: float = 0.6, sign: str = "") -> str:
    """`did you mean A or B?`, or nothing: `most` of the names, each with `sign` behind it.

    First those that end in the same part (`lr` of `optimizer.lr`, `test/lr`), then those whose spelling is near, by a
    ratio of `cutoff` or more.
    """
    names = list(names)
    ends = [name for name in names if re.split("[./=]", name)[-1] == re.split("[./=]", wrong)[-1]]
    near = list(dict.fromkeys([*ends, *difflib.get_close_matches(wrong, names, cutoff=cutoff)]))[:most]
    return f"did you mean {' or '.join(f'{name}{sign}' for name in near)}?" if near else ""


def as_typed(path: Path) -> Path:
    """The path as one would type it here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def printable(value: Any) -> Any:
    """Strings, in nested lists and dictionaries too, with their control characters escaped: `\\x1b` for ESC.

    What a stranger's file holds would otherwise steer the terminal that shows it. New lines and tabs stay.
    """
    if not isinstance(value, (str, dict, list)) or (isinstance(value, str) and value.isprintable()):
        return value
    if isinstance(value, dict):
        return {printable(key): printable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [printable(inner) for inner in value]
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in value)


def duration(seconds: float) -> str:
    """`4.2 s`, `35 s`, `12 min`, `2.5 h`"""
    if seconds < 100:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def as_option(value: Any) -> str:
    """A value as one types it on the command line: `[16,32]`, `null`, `true`, `0.001`."""
    if isinstance(value, list):
        return f"[{','.join(map(as_option, value))}]"
    if isinstance(value, str):
        return value
    plain = type(value) in (int, float) and math.isfinite(value)
    return repr(value) if plain else json.dumps(value)  # which says the same of these, and takes ten times as long


def counted(n: int, noun: str) -> str:
    """`1 seed`, `8 seeds`"""
    return f"{n} {noun}{'' if n == 1 else 's'}"


def number(value: float | None) -> str:
    """Four significant digits, whole numbers in full, thousands apart; a dash for None and what is not finite."""
    if value is None or not math.isfinite(value):
        return "–"
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 999.95 else f"{value:.4g}".replace("e-0", "e-").replace("e+0", "e+")


def span(values: Iterable[float]) -> str:
    """`0.00018 to 0.0012`, or one number where they are alike."""
    finite = [value for value in values if math.isfinite(value)]
    return " to ".join(dict.fromkeys((number(min(finite)), number(max(finite))))) if finite else "–"


def with_half(mean: float, half: float) -> tuple[str, str]:
    """Mean and half interval, to two digits of the smaller of them; half an interval of 0 is none."""
    if not (math.isfinite(mean) and math.isfinite(half)) or half == 0:
        return number(mean), ""
    digits = max(0, 1 - math.floor(math.log10(min(abs(mean) or half, half))))
    if digits > 7:
        return f"{mean:.3g}", f"{half:.1e}"
    return f"{mean:,.{digits}f}", f"{half:,.{digits}f}"


def plus_minus(mean: float, half: float) -> str:
    """`0.00360 ± 0.00019`"""
    return " ± ".join(text for text in with_half(mean, half) if text)


def percent(share: float, *, signed: bool = False) -> str:
    """`80.1 %`"""
    return f"{100 * share:{'+' if signed else ''},.1f} %" if math.isfinite(share) else "–"


def p_value(p: float) -> str:
    """`0.0078`, `0.14`, `< 0.0001`"""
    return "–" if not math.isfinite(p) else "< 0.0001" if p < 1e-4 else f"{p:.4f}" if p < 0.1 else f"{p:.2f}"


def r_value(r: float) -> str:
    """`0.83`, `-0.31`"""
    return f"{r:.2f}" if math.isfinite(r) else "–"
