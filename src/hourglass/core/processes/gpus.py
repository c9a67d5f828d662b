"""How the jobs that run at the same time on one machine share its GPUs."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hourglass.core.processes.locks import Locked, lock


@contextmanager
def one_gpu(count: int) -> Iterator[dict[str, str]]:
    """The environment that gives a job the first of `count` GPUs that no other job of this machine has.

    With more jobs than GPUs they share them.
    """
    names = os.environ.get("CUDA_VISIBLE_DEVICES", ",".join(map(str, range(count)))).split(",")
    folder = Path(tempfile.gettempdir()) / f"hourglass-gpus-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    for name in names:
        try:
            with lock(folder / name.replace("/", "_"), wait=0):
                yield {"CUDA_VISIBLE_DEVICES": name}
                return
        except Locked:
            continue
    yield {"CUDA_VISIBLE_DEVICES": names[os.getpid() % len(names)]}
