"""Pages of the documentation with a part that a program writes, between two marks."""

from pathlib import Path


def rewrite(page: Path, begin: str, end: str, text: str) -> None:
    """Put `text` between the marks `begin` and `end` of a page, in place of what is there."""
    before, rest = page.read_text(encoding="utf-8").split(begin)
    _, after = rest.split(end)
    page.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")
