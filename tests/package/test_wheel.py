"""The built wheel in a fresh environment, beside another Hydra application."""

import os
import subprocess
import zipfile
from pathlib import Path

import pytest

from helpers.environments import Environment, wheel_of
from helpers.project import CONF, ROOT
from hourglass.cli.entry import COMMANDS

pytestmark = pytest.mark.slow
TINY = (
    "trainer.max_epochs=1", "trainer.limit_train_batches=6", "trainer.accelerator=cpu", "logger=none",
    "baselines=null", "trainer.enable_progress_bar=false",
)  # fmt: skip
APP = """
import hydra

@hydra.main(config_path=None, version_base="1.3")
def main(config):
    print("x is", config.x)

main()
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wheel_of(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    environment = Environment(tmp_path_factory.mktemp("fresh"))
    environment.install(wheel)
    return environment


@pytest.fixture(scope="module")
def trained(installed: Environment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder in which `hourglass train` has made its first run."""
    folder = tmp_path_factory.mktemp("empty")
    done = installed.run("hourglass", "train", *TINY, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "next      hourglass train -m latent.dim=4,16,64 trainer.max_epochs=1" in done.stdout
    return folder


def test_the_wheel_carries_the_options_the_types_and_both_licences(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as file:
        names = set(file.namelist())
        metadata = file.read(next(name for name in names if name.endswith("METADATA"))).decode()
    options = {path.relative_to(CONF).as_posix() for path in CONF.rglob("*.yaml") if path.parent.name != "local"}
    assert {f"hourglass/conf/{option}" for option in options} <= names
    assert {"hourglass/py.typed", "hourglass/data/assets/mnist5k.npz"} <= names
    assert not {"hourglass/conf/local/default.yaml", "hydra_plugins/__init__.py"} & names
    assert "License-Expression: MIT AND CC-BY-SA-3.0 AND OFL-1.1" in metadata


def test_the_command_trains_in_an_empty_folder_and_the_run_loads(installed: Environment, trained: Path) -> None:
    (run,) = (trained / "logs" / "runs").iterdir()
    code = f"import hourglass; print(hourglass.__file__, hourglass.load_run({str(run)!r}).image_shape)"
    done = installed.run("python", "-c", code, cwd=trained)
    assert done.stdout.split()[1:] == ["(1,", "28,", "28)"], done.stderr
    assert str(installed.folder) in done.stdout
    assert installed.run("hourglass", "--version", cwd=trained).stdout == "hourglass 0.2.0\n"
    assert installed.run("python", "-m", "hourglass", "--version", cwd=trained).stdout == "hourglass 0.2.0\n"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["evaluate"], "ladder: false"),
        (["reconstruct", "--help"], "images: ???"),
        (["export", "--help"], "part: autoencoder"),
        (["embed"], "split: all"),
        (["runs", "--help"], "compare   what two runs"),
        (["runs", "status=completed"], "1 run, "),
        (["report", "--help"], "reference"),
        (["train", "--help"], "Powered by Hydra"),
        ([], "usage: hourglass COMMAND"),
    ],
)
def test_every_command_answers(installed: Environment, trained: Path, command: list[str], message: str) -> None:
    done = installed.run("hourglass", *command, cwd=trained)
    assert done.returncode == 0, done.stderr
    assert message in done.stdout


def test_mistakes_name_the_command_that_is_there(installed: Environment, trained: Path) -> None:
    done = installed.run("hourglass", "train", "+width=3", cwd=trained)
    assert (done.returncode, "hourglass train --cfg job" in done.stderr) == (1, True)
    done = installed.run("hourglass", "trian", cwd=trained)
    assert (done.returncode, "trian is no command of hourglass" in done.stderr) == (1, True)


def test_own_options_come_from_a_folder_or_from_a_package(installed: Environment, tmp_path: Path) -> None:
    for parent in ("mine", "mylab/conf"):
        (tmp_path / parent / "decoder").mkdir(parents=True)
        (tmp_path / parent / "decoder" / "wide.yaml").write_text("defaults: [transpose]\nkernel_size: 4\n")
    (tmp_path / "mylab" / "__init__.py").touch()
    for found_by in (["--config-dir", "mine"], ["hydra.searchpath=[pkg://mylab.conf]"]):
        for command in (["train"], ["train", "-m"]):
            done = installed.run(
                "hourglass", *command, *found_by, "decoder=wide", *TINY, cwd=tmp_path, PYTHONPATH=str(tmp_path)
            )
            assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("hourglass train decoder=re", ["decoder=resize"]),
        ("hourglass train model=vae optimizer.l", ["optimizer.lr="]),
        ("hourglass re", ["reconstruct", "report"]),
        ("hourglass ", [*COMMANDS]),
    ],
)
def test_the_shell_completes(installed: Environment, tmp_path: Path, line: str, completed: list[str]) -> None:
    done = installed.run("hourglass", "-sc", "query=bash", cwd=tmp_path, COMP_LINE=line)
    assert done.stdout.split() == completed, done.stderr


def test_bash_completes_after_the_line_that_the_readme_gives(installed: Environment, tmp_path: Path) -> None:
    script = """
    eval "$(hourglass train -sc install=bash)"
    COMP_LINE="hourglass train decoder=max" COMP_POINT=27 COMP_WORDS=(hourglass train decoder=max) COMP_CWORD=2
    hydra_bash_completion
    echo "${COMPREPLY[@]}"
    """
    path = f"{installed.folder / 'bin'}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=os.environ | {"PATH": path}, capture_output=True, text=True
    )
    assert done.stdout.split()[-1:] == ["decoder=max_unpool"], done.stderr


def test_another_application_of_the_environment_notices_nothing(
    installed: Environment, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """In an environment with the wheel and in one without it, the same launchers are there and work."""
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    folder = tmp_path_factory.mktemp("app")
    (folder / "app.py").write_text(APP)
    without = Environment(tmp_path_factory.mktemp("without"))
    answers = [one.run("python", "app.py", "--hydra-help", cwd=folder).stdout for one in (without, installed)]
    assert answers[0] == answers[1]
    assert "joblib" in answers[1]
    done = installed.run("python", "app.py", "-m", "hydra/launcher=joblib", "+x=1,2", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert sorted(line for line in done.stdout.splitlines() if line.startswith("x is")) == ["x is 1", "x is 2"]
