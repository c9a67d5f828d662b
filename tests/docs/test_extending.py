"""docs/extending.md, followed word for word: a package made of what it shows, checked and trained with."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.project import ROOT, TINY

PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"^`(mylab/[\w/]+\.\w+)`:\n\n```\w+\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
CHECKS = [code for code in re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL) if "check_" in code]
COMMANDS = re.findall(r"^hourglass (train .*)$", PAGE, re.MULTILINE)
EXAMPLE = ROOT / "examples" / "mylab"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lab")
    for path, text in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    (folder / "mylab" / "conf" / "__init__.py").touch()
    return folder


def run(folder: Path, *command: str) -> None:
    environment = os.environ | {"PYTHONPATH": f"{folder}:{ROOT / 'src'}"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_shown_is_the_example() -> None:
    assert all((EXAMPLE / path).read_text(encoding="utf-8") == text for path, text in FILES.items())
    shown = {f"mylab/{path.name}" for path in (EXAMPLE / "mylab").glob("*.py")}
    assert shown <= set(FILES)
    options = {path.relative_to(EXAMPLE).as_posix() for path in (EXAMPLE / "mylab" / "conf").rglob("*.yaml")}
    assert options - set(FILES) == {"mylab/conf/experiment/mylab.yaml"}


def test_every_chapter_has_a_class_options_a_command_and_a_check() -> None:
    for chapter in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]:
        title = chapter.splitlines()[0]
        if re.match(r"An? (?!package)", title):
            assert re.search(r"^`mylab/\w+\.py`:$", chapter, re.MULTILINE), title
            assert re.search(r"^`mylab/conf/[\w/]+\.yaml`:$", chapter, re.MULTILINE), title
            assert "\nhourglass train " in chapter, title
            assert "check_" in chapter or title == "A callback"


@pytest.mark.slow
def test_every_part_passes_the_check_that_is_shown(folder: Path) -> None:
    run(folder, sys.executable, "-c", "\n".join(CHECKS))


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_trains(folder: Path, command: str) -> None:
    line = f'"{sys.executable}" -m hourglass {command.split("  #")[0]} {" ".join(TINY)}'
    run(folder, "bash", "-c", line.replace("channels=[4]", "'channels=[4]'"))
