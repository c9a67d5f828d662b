"""Every command that a page shows is run, in a temporary folder, and prints what the page says it prints."""

import re
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from helpers.pages import PAGES, Shown, blocks, commands
from helpers.photo_folders import fill, picture
from helpers.project import ROOT
from helpers.prompt import Prompt
from helpers.shown_commands import FOLLOWED, NOT_RUN, is_refused, shortened, why_not

WITH_COMMANDS = [page for page in PAGES if page not in FOLLOWED and any(not why_not(c.line) for c in commands(page))]
RUNS = (
    "python train.py model=vae hydra.run.dir=logs/runs/first",
    "python train.py model=vae decoder=resize hydra.run.dir=logs/runs/second",
    "python train.py -m model=vae decoder=resize sweep=small",
    "python train.py -m decoder=transpose,resize,subpixel 'seed=range(0,8)' sweep=decoders",
)
"""What a reader has trained when a page begins."""


@pytest.fixture(scope="module")
def prompt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prompt]:
    prompt = Prompt(tmp_path_factory.mktemp("prompt"))
    yield prompt
    prompt.close()


@pytest.fixture(scope="module")
def begun(prompt: Prompt, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with pictures of one's own, data sets, and runs; also the home of its user."""
    folder = tmp_path_factory.mktemp("checkout")
    for script in ROOT.glob("*.py"):
        shutil.copy(script, folder)
    fill(folder / "photos", 120)
    fill(folder / "scans", 3, first=500, suffix="tif")
    picture(1, (60, 40)).save(folder / "cat.png")
    shutil.copy(folder / "cat.png", folder / "photos" / "cat.png")
    for name in ("data", "fashion"):
        idx_files(folder / name)
    options = {"myconf/decoder/my_up.yaml", "myconf/experiment/ours.yaml", "mylab/conf/decoder/my_up.yaml"}
    for path in options:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        of_it = "defaults: [resize]\n" if "decoder" in path else "# @package _global_\nseed: 3\n"
        (folder / path).write_text(of_it, encoding="utf-8")
    for package in ("mylab", "mylab/conf"):
        (folder / package / "__init__.py").touch()
    for line in RUNS:
        done = prompt.run(shortened(line), folder)
        assert done.code == 0, f"{line}\n{done.output}"
    shutil.copytree(folder / "logs/sweeps/decoders", folder / "logs/sweeps/wider")
    return folder


def idx_files(folder: Path) -> None:
    """5,100 training and 20 test images of a data set like MNIST."""
    folder.mkdir()
    images = np.random.default_rng(0).integers(0, 256, (5100, 28, 28)).astype(np.uint8)
    for half, n in (("train", 5100), ("t10k", 20)):
        raw = np.array([0x803, n, 28, 28], ">u4").tobytes() + images[:n].tobytes()
        (folder / f"{half}-images-idx3-ubyte").write_bytes(raw)


@pytest.mark.slow
@pytest.mark.parametrize("page", WITH_COMMANDS)
def test_every_command_of_a_page_runs(page: str, prompt: Prompt, begun: Path, tmp_path: Path) -> None:
    folder = tmp_path / "checkout"
    shutil.copytree(begun, folder)
    for shown in commands(page):
        if why_not(shown.line) is None:
            type_it(shown, prompt, folder)


def type_it(shown: Shown, prompt: Prompt, folder: Path) -> None:
    line = re.sub(r'^eval "\$\((.*)\)"$', r"\1", shown.line)  # what the shell is to do is printed
    done = prompt.run(shortened(line), folder)
    assert done.code == (1 if is_refused(line) else 0), f"{shortened(line)}\n{done.output}"
    printed = [printed.strip() for printed in done.output.splitlines()]
    for expected in shown.output:
        assert expected.strip() in printed, f"{line}\n{done.output}"


@pytest.mark.slow
def test_the_first_run_prints_what_the_readme_shows(prompt: Prompt, tmp_path: Path) -> None:
    """Line by line, whatever the numbers, which depend on the machine and here on a shorter training."""
    shutil.copy(ROOT / "train.py", tmp_path)
    done = prompt.run("python train.py trainer.max_epochs=1 trainer.accelerator=cpu", tmp_path)
    printed = [masked(line) for line in re.split(r"[\r\n]", done.output)]
    for line in blocks("README.md", "text")[0].splitlines():
        assert any(shown.startswith(masked(line)) for shown in printed), f"{line}\n{done.output}"


def masked(line: str) -> str:
    """Without the name of the run, numbers, and the progress bar behind its name."""
    line = re.sub(r"[\d-]{10}_[\d-]{8}-[0-9a-f]{8}", "RUN", line)
    return re.sub(r"(Epoch #).*", r"\1", " ".join(re.sub(r"[-+]?\d[\d,.]*", "#", line).split()))


@pytest.mark.slow
def test_what_a_sweep_says_of_wandb_takes_its_jobs_and_its_report(prompt: Prompt, tmp_path: Path) -> None:
    shutil.copy(ROOT / "train.py", tmp_path)
    line = shortened("python train.py -m decoder=transpose,resize sweep=few").replace("logger=none report=false", "")
    done = prompt.run(line, tmp_path)
    given = re.findall(r"later with: wandb sync (.*)", done.output)
    assert set(given) == {"logs/sweeps/few/wandb/offline-run-* logs/sweeps/few/*/wandb/offline-run-*"}
    there = [len(list(tmp_path.glob(pattern))) for pattern in given[0].split()]
    assert there == [1, 2]


def test_what_is_not_run_is_shown() -> None:
    """No reason outlives its command, and who is said to run it exists."""
    lines = [shown.line for page in PAGES for shown in commands(page)]
    for pattern, why in NOT_RUN.items():
        assert any(re.fullmatch(pattern, line) for line in lines), pattern
        for path in re.findall(r"[\w./]+\.py|\.ci/run", f"{why} {' '.join(FOLLOWED.values())}"):
            assert (ROOT / path).is_file(), path


def test_every_extra_that_is_to_be_installed_exists() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    lines = " ".join(shown.line for page in PAGES for shown in commands(page))
    named = set(re.findall(r"'(?:hourglass|\.)\[(\w+)\]'", lines))
    assert named <= set(extras)
    assert len(named) > 5
