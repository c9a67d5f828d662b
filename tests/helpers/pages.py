"""The pages of the documentation, and the code on them."""

import re
from functools import cache

from helpers.project import ROOT

TOP = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")]
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in (*TOP, *ROOT.glob("docs/**/*.md")) if path.exists())
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)


@cache
def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[str]:
    """The code blocks of a page in one language."""
    return [code for kind, code in FENCE.findall(read(page)) if kind == language]
