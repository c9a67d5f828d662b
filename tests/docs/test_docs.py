"""The documents against the project: links lead somewhere, what is shown exists, and what exists is shown."""

import ast
import importlib
import json
import re
import shlex
import sys
import textwrap
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from helpers.pages import FENCE, PAGES, blocks, commands, read
from helpers.project import CONF, ROOT, configure, options
from helpers.shown_commands import FOLLOWED, why_not
from hourglass.sweeps.tuning.plan import gathered

sys.path.insert(0, str(ROOT / "tools"))
import export_table
import pair_table

NOTEBOOKS = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("notebooks/*.ipynb"))
LINK = re.compile(r"\]\(([^)\s]+)\)")


@cache
def anchors(page: str) -> frozenset[str]:
    """The anchors that GitHub gives the headings of a page."""
    text = FENCE.sub("", read(page))
    seen: dict[str, int] = {}
    names = []
    for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE):
        shown = LINK.sub("]", heading).replace("[", "").replace("]", "").strip().lower()
        name = re.sub(r"[^\w\- ]", "", shown).replace(" ", "-")
        names.append(f"{name}-{seen[name]}" if name in seen else name)
        seen[name] = seen.get(name, 0) + 1
    return frozenset(names)


def relative_links(page: str) -> Iterator[tuple[str, Path, str]]:
    """(link as written, file or folder that it leads to, anchor or "") of every link but those to the web."""
    for link in LINK.findall(FENCE.sub("", read(page))):
        if not re.match(r"[a-z]+:", link):
            path, _, anchor = link.partition("#")
            yield link, (ROOT / page).parent / path if path else ROOT / page, anchor


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    for link, target, anchor in relative_links(page):
        target = target.resolve()
        assert target.exists(), f"{page}: {link}"
        assert target.is_relative_to(ROOT), f"{page}: {link} leaves the repository"
        if anchor:
            assert anchor in anchors(target.relative_to(ROOT).as_posix()), f"{page}: {link}"


def test_every_page_is_reached_from_the_readme() -> None:
    reached, ahead = set(), ["README.md"]
    while ahead:
        page = ahead.pop()
        if page in PAGES and page not in reached:
            reached.add(page)
            targets = (target.resolve() for _, target, _ in relative_links(page))
            ahead += [target.relative_to(ROOT).as_posix() for target in targets]
    assert reached == set(PAGES)


def test_the_readme_is_short() -> None:
    assert len(read("README.md").splitlines()) <= 250, "move something to a page of docs/"


@pytest.mark.parametrize("page", PAGES)
def test_nothing_is_left_to_fill_in(page: str) -> None:
    assert not re.search(r"@[A-Z]+@|TODO|FIXME", read(page))


@pytest.mark.slow
def test_the_pair_table_is_up_to_date() -> None:
    shown = read("docs/operators/pairs.md").split(pair_table.BEGIN)[1].split(pair_table.END)[0].strip()
    assert shown == pair_table.table(), "run: python tools/pair_table.py --write"


@pytest.mark.slow
def test_the_export_table_is_up_to_date_and_whole() -> None:
    shown = read("docs/operators/export.md").split(export_table.BEGIN)[1].split(export_table.END)[0].strip()
    assert shown == export_table.table(), "run: python tools/export_table.py --write"
    assert "?" not in shown, "run: python tools/export_table.py --write"


def test_every_option_is_named() -> None:
    groups = (
        "model",
        "encoder",
        "latent",
        "decoder",
        "data",
        "augmentation",
        "corruption",
        "loss",
        "optimizer",
        "trainer",
        "logger",
    )
    for group in (*groups, "experiment"):
        row = next(line for line in read("README.md").splitlines() if line.startswith(f"| `{group}` |"))
        for option in options(group):
            assert f"`{option}`" in row, f"{group}={option}"


def test_every_launcher_is_named() -> None:
    rows = read("docs/launchers.md")
    for path in (CONF / "hydra" / "launcher").glob("*.yaml"):
        assert f"\n| `{path.stem}` |" in rows, path.stem


TO_BE_MADE = re.compile(r"/my_|^conf/local/default\.yaml$")
"""Files that the reader makes."""


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_is_named_exists(page: str) -> None:
    for script in re.findall(r"python ([\w/]+\.py)", read(page)):
        assert (ROOT / script).is_file(), script
    for path in re.findall(r"`((?:tools|tests|conf|src|benchmarks|notebooks)/[\w/.]*)`", read(page)):
        if page != "CHANGELOG.md" and not TO_BE_MADE.search(path):
            assert (ROOT / path).exists(), path


INLINE = re.compile(r"`((?:python train\.py|hourglass train)[^`]*)`")


def trainings(page: str) -> Iterator[list[str]]:
    """The arguments of the `python train.py …` and `hourglass train …` of a page that no test runs, and in its text."""
    not_run = [shown.line for shown in commands(page) if page in FOLLOWED or why_not(shown.line)]
    for line in (*not_run, *INLINE.findall(FENCE.sub("", read(page)).replace("\n", " "))):
        found = re.search(r"(?:python train\.py|hourglass train)(?= |$)(.*)", line)
        if found and not re.search(r"<|…|\$\(|resume=|my_up", line):
            yield shlex.split(found[1].replace("=~/", "=/home/me/"))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:[\\s\\S]*ConfigStore schema:UserWarning")  # of hydra's launchers
@pytest.mark.parametrize("page", PAGES)
def test_every_training_command_that_is_not_run_composes(page: str) -> None:
    for arguments in trainings(page):
        if "--config-dir" in arguments or any("searchpath" in argument for argument in arguments):
            continue  # options that only the reader has
        overrides = [argument for argument in arguments if "=" in argument and not argument.startswith("-")]
        configure(*map(first_value, gathered(overrides)))


def first_value(override: str) -> str:
    """One job of what may be a sweep over several: decoder=resize of decoder=resize,transpose."""
    parsed = OverridesParser.create().parse_overrides([override])[0]
    return f"{parsed.key_or_group}={next(parsed.sweep_string_iterator())}" if parsed.is_sweep_override() else override


def imported(code: str) -> Iterator[tuple[str, str | None]]:
    """(module, name in it) of every import of hourglass in `code`."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "hourglass":
            yield from ((str(node.module), alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names if alias.name.split(".")[0] == "hourglass")


@pytest.mark.parametrize("page", [*PAGES, *NOTEBOOKS])
def test_every_import_that_is_shown_works(page: str) -> None:
    if page in NOTEBOOKS:
        cells = [cell for cell in json.loads(read(page))["cells"] if cell["cell_type"] == "code"]
        codes = ["".join(cell["source"]) for cell in cells]
    else:
        codes = [textwrap.dedent(code) for code in blocks(page, "python")]
    for code in codes:
        for module, name in imported(code):
            there = importlib.import_module(module)
            if name is not None and not hasattr(there, name):
                importlib.import_module(f"{module}.{name}")
