"""A Ray cluster of two nodes on this machine, as docs/clusters.md starts one, in a folder of its own."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from helpers.nodes import free_port
from helpers.sweeping import descendants, kill_all

RAY = str(Path(sys.executable).with_name("ray"))
QUIET = ("--block", "--num-cpus=1", "--disable-usage-stats")


class Cluster:
    """Its `nodes`, each with one processor; the first of them is the head."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = f"127.0.0.1:{free_port()}"
        self.nodes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        host, port = self.address.split(":")
        self._start("--head", f"--node-ip-address={host}", f"--port={port}", "--include-dashboard=false",
                    f"--temp-dir={self.folder}")  # fmt: skip
        self._start(f"--address={self.address}", "--node-ip-address=127.0.0.2")

    def _start(self, *options: str) -> None:
        path = self.folder / f"{len(self.nodes)}.txt"
        with path.open("w", encoding="utf-8") as file:
            command = [RAY, "start", *options, *QUIET]
            environment = os.environ | {"RAY_AUTH_MODE": "disabled"}
            self.nodes.append(
                subprocess.Popen(command, env=environment, stdout=file, stderr=file, start_new_session=True)
            )
        deadline = time.monotonic() + 120
        while "Ray runtime started" not in path.read_text(encoding="utf-8"):
            assert self.nodes[-1].poll() is None, path.read_text(encoding="utf-8")
            assert time.monotonic() < deadline
            time.sleep(0.2)

    def kill(self, node: int) -> None:
        """SIGKILL to all that runs on it, as when the machine loses its power."""
        kill_all(descendants(self.nodes[node].pid))
        self.nodes[node].wait()


@contextmanager
def cluster() -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as name:
        one = Cluster(Path(name))
        try:
            one.start()
            yield one
        finally:
            for node in reversed(range(len(one.nodes))):
                one.kill(node)
