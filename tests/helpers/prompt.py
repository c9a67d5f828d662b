"""A prompt that needs no imports: commands of the project, each in a process of its own that has them already.

A server imports everything once, touches no device, and forks for each command: the arguments, the folder, the
environment, the output and the exit code are those of the real command, and five seconds of imports are not.
"""

import json
import os
import re
import runpy
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from helpers.project import ROOT

PATIENCE = 300
"""Seconds after which a command is killed"""
IMPORTS = (
    "torch", "torchvision", "lightning.pytorch", "hydra", "pandas", "plotly", "scipy.stats", "matplotlib.pyplot",
    "hourglass.cli.entry", "hourglass.cli.train", "hourglass.runs.train", "hourglass.runs.evaluation.measure",
    "hourglass.report.make", "hourglass.report.show.make", "hourglass.training.trainer", "hourglass.sweeps.jobs",
)  # fmt: skip


class Done(NamedTuple):
    code: int
    output: str
    """stdout and stderr, as they came"""


class Prompt:
    """`python train.py …`, `hourglass …` and the like, typed in a folder that looks like a checkout."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "WANDB"))}
        environment |= {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'tests'}", "OMP_NUM_THREADS": "1"}
        self._server = subprocess.Popen(
            [sys.executable, "-m", "helpers.prompt"], env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def run(self, line: str, folder: Path) -> Done:
        """What a line prints and returns when it is typed in `folder`, which is the home too."""
        out = self.folder / "output.txt"
        asked = {"words": shlex.split(line, comments=True), "folder": str(folder), "out": str(out)}
        assert self._server.stdin
        assert self._server.stdout
        print(json.dumps(asked), file=self._server.stdin, flush=True)
        code = int(self._server.stdout.readline())
        return Done(code, out.read_text(encoding="utf-8", errors="replace"))

    def close(self) -> None:
        assert self._server.stdin
        self._server.stdin.close()
        self._server.wait(30)


def serve() -> None:
    """Fork for each line of stdin, and print the exit code."""
    import importlib

    for name in IMPORTS:
        importlib.import_module(name)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            become(**json.loads(line))
        signal.signal(signal.SIGALRM, lambda *_: os.killpg(pid, signal.SIGKILL))  # noqa: B023  # one at a time
        signal.alarm(PATIENCE)
        _, status = os.waitpid(pid, 0)
        signal.alarm(0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def become(words: list[str], folder: str, out: str) -> Any:
    """Turn this process into the command: it ends with it."""
    os.setsid()
    written = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for there, here in ((nothing, 0), (written, 1), (written, 2)):
        os.dup2(there, here)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  # for the life of the process
    os.chdir(folder)
    os.environ |= {"HOME": folder, "NETRC": f"{folder}/none", "PYTHONPATH": f"{ROOT / 'src'}:{folder}"}
    while words and re.fullmatch(r"\w+=.*", words[0]):
        name, _, value = words.pop(0).partition("=")
        os.environ[name] = value
    program, *arguments = words
    sys.path[0] = folder
    sys.path.append(folder)
    if program == "python":
        sys.argv = arguments
        runpy.run_path(arguments[0], run_name="__main__")
    else:
        from hourglass.cli.entry import main

        sys.argv = [program, *arguments]
        main()
    sys.exit(0)


if __name__ == "__main__":
    serve()
