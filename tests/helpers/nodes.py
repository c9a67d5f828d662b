"""Nodes of one run on this machine: the commands of docs/clusters.md, each in a session of its own, to be killed."""

import os
import shlex
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from helpers.pages import blocks
from helpers.project import ROOT
from helpers.sweeping import descendants, kill_all


def free_ports(count: int) -> list[int]:
    """So many ports of this machine, each another one."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def free_port() -> int:
    return free_ports(1)[0]


def on_the_page(port: int, folder: Path) -> list[list[str]]:
    """What docs/clusters.md has each node run, with this port of this machine, into `folder`."""
    (block,) = (block for block in blocks("docs/clusters.md", "bash") if block.startswith("torchrun"))
    here = {"--master-addr=node1": "--master-addr=127.0.0.1", "--master-port=29500": f"--master-port={port}"}
    here["hydra.run.dir=logs/runs/two"] = f"hydra.run.dir={folder}"
    commands = [shlex.split(line) for line in block.replace("\\\n", "").splitlines()]
    assert all(here.keys() <= set(command) for command in commands)
    return [[here.get(word, word) for word in command] for command in commands]


class Node:
    """One of the commands, at work; whatever is left of it is killed at the end."""

    def __init__(self, command: list[str], log: Path, **environment: str) -> None:
        self.log = log
        with log.open("w", encoding="utf-8") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "torch.distributed.run", *command[1:]],
                cwd=ROOT, env=os.environ | environment, stdout=file, stderr=file, start_new_session=True,
            )  # fmt: skip

    def __enter__(self) -> "Node":
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        """SIGKILL to it and to all that it has started, as when the machine loses its power."""
        kill_all(descendants(self.process.pid))
        self.process.wait()

    def ends(self, seconds: float = 180) -> int:
        """The exit code, once it has ended."""
        return self.process.wait(seconds)

    @property
    def output(self) -> str:
        return self.log.read_text(encoding="utf-8")


def start(stack: ExitStack, folder: Path, *overrides: str, **environment: str) -> list[Node]:
    """All nodes of the page at work on the run in `folder`."""
    commands = on_the_page(free_port(), folder)
    logs = [folder.with_name(f"{folder.name}.{rank}.txt") for rank in range(len(commands))]
    return [
        stack.enter_context(Node([*command, *overrides], log, **environment))
        for command, log in zip(commands, logs, strict=True)
    ]
