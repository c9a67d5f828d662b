"""The README against the project: what it shows exists, and what exists is shown."""

import re
import sys

import pytest

from helpers.project import ROOT, options

sys.path.insert(0, str(ROOT / "tools"))
import pair_table

README = (ROOT / "README.md").read_text()


def test_the_pair_table_is_up_to_date() -> None:
    shown = README.split(pair_table.BEGIN)[1].split(pair_table.END)[0].strip()
    assert shown == pair_table.table(), "run: python tools/pair_table.py --write"


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_links_lead_to_files(page: str) -> None:
    for link in re.findall(r"\]\((?!http)([^)#]+)\)", (ROOT / page).read_text()):
        assert (ROOT / link).exists(), link


def test_every_option_is_named() -> None:
    groups = ("model", "encoder", "latent", "decoder", "data", "corruption", "loss", "optimizer", "trainer", "logger")
    for group in (*groups, "experiment"):
        row = next(line for line in README.splitlines() if line.startswith(f"| `{group}` |"))
        for option in options(group):
            assert f"`{option}`" in row, f"{group}={option}"


def test_nothing_is_left_to_fill_in() -> None:
    assert not re.search(r"@[A-Z]+@|TODO|FIXME", README)
