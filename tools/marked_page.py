"""Pages of the documentation with a part that a program writes, between two marks."""

import argparse
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]


def print_or_write(
    about: str | None, page: Path, begin: str, end: str, text: Callable[[], str],
    find_out: Callable[[], object] = lambda: None,
) -> None:  # fmt: skip
    """Print `text`, or with --write put it into its page; `find_out` is called before it is written."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"put it into {page.relative_to(ROOT)}")
    if not parser.parse_args().write:
        print(text())
        return
    find_out()
    rewrite(page, begin, end, text())


def rewrite(page: Path, begin: str, end: str, text: str) -> None:
    """Put `text` between the marks `begin` and `end` of a page, in place of what is there."""
    before, rest = page.read_text(encoding="utf-8").split(begin)
    _, after = rest.split(end)
    page.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")
