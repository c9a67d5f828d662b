"""Fresh environments, into which built wheels are installed."""

import os
import subprocess
import sys
from pathlib import Path

import torch


class Environment:
    """A virtual environment that finds the dependencies of this one, and nothing of ours."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        own = folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
        (own / "dependencies.pth").write_text(f"{Path(torch.__file__).parents[1]}\n")

    def install(self, wheel: Path) -> None:
        done = self.run("pip", "install", "-q", "--no-deps", "--no-index", str(wheel), cwd=wheel.parent)
        assert done.returncode == 0, done.stderr

    def run(self, *command: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        variables = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | environment
        program = str(self.folder / "bin" / command[0])
        return subprocess.run(
            [program, *command[1:]], cwd=cwd, env=variables, capture_output=True, text=True, timeout=240
        )


def wheel_of(project: Path, folder: Path) -> Path:
    """The wheel of a project, built into an empty `folder`."""
    command = ["-m", "pip", "wheel", str(project), "--no-deps", "--no-build-isolation", "-q", "-w", str(folder)]
    subprocess.run([sys.executable, *command], check=True)
    (path,) = folder.glob("*.whl")
    return path
