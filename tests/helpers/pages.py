"""The pages of the documentation, and the code and the commands on them."""

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from helpers.project import ROOT

TOP = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")]
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in (*TOP, *ROOT.glob("docs/**/*.md")) if path.exists())
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)


class Shown(NamedTuple):
    """A command as a page shows it."""

    line: str
    """Without the comment behind it; a line that goes on is one"""
    output: list[str]
    """The lines below it in a block of the console"""


@cache
def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[str]:
    """The code blocks of a page in one language."""
    return [code for kind, code in FENCE.findall(read(page)) if kind == language]


def commands(page: str) -> Iterator[Shown]:
    """Every command in the shell blocks of a page, in their order."""
    for language, code in FENCE.findall(read(page)):
        lines = code.replace("\\\n", " ").splitlines() if language in ("bash", "console") else []
        shown: Shown | None = None
        for line in lines:
            if language == "bash" or line.startswith("$ "):
                if shown:
                    yield shown
                bare = re.sub(r"\s+# .*", "", line.removeprefix("$ "))
                shown = Shown(" ".join(bare.split()), []) if bare.strip() and not bare.startswith("#") else None
            elif shown and line.strip():
                shown.output.append(line)
        if shown:
            yield shown
