"""Every number of the README's findings, of docs/answers.md and of docs/literature.md is one of docs/results."""

import re

from helpers.project import ROOT
from helpers.published import RESULTS


def numbers(text: str) -> list[str]:
    without = re.sub(r"`[^`]*`|\[[^]]*\]\([^)]*\)", "", text)
    return re.findall(r"[-+]?\d[\d.,]*\d|\d", " ".join(without.split()))


def test_no_number_of_the_readme_s_findings_or_of_the_answers_or_the_literature_is_without_a_source() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = re.search(r"## What was found\n(.*?)\n## ", readme, re.DOTALL)
    assert section is not None
    pages = [(ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("answers.md", "literature.md")]
    published = {number for page in RESULTS.glob("*.md") for number in numbers(page.read_text(encoding="utf-8"))}
    for text in (section[1], *pages):
        assert numbers(text)
        lacking = [number for number in numbers(text) if not {number, f"-{number}", f"+{number}"} & published]
        assert lacking == []  # 5.6 dB that are lacking are -5.6 there, and 4.5 too many +4.5
