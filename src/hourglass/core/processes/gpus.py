"""How the jobs that run at the same time on one machine share its GPUs. No torch until it is asked for them."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from omegaconf import DictConfig


def gpu_count() -> int:
    """GPUs that this process may use, counted without touching them, so that it can still be forked."""
    os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")
    import torch

    return torch.cuda.device_count()


@contextmanager
def one_gpu(config: DictConfig, ranks: int) -> Iterator[dict[str, str]]:
    """The environment that gives a job on one device the first GPU that no other job of this machine has.

    Empty where there are not several, or where the configuration chooses. With more jobs than GPUs they share them.
    """
    trainer = config.trainer
    if ranks > 1 or trainer.devices != 1 or trainer.accelerator not in ("auto", "gpu", "cuda") or gpu_count() < 2:
        yield {}
        return
    names = os.environ.get("CUDA_VISIBLE_DEVICES", ",".join(map(str, range(gpu_count())))).split(",")
    folder = Path(tempfile.gettempdir()) / f"hourglass-gpus-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    for name in names:
        with (folder / name.replace("/", "_")).open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield {"CUDA_VISIBLE_DEVICES": name}
            return
    yield {"CUDA_VISIBLE_DEVICES": names[os.getpid() % len(names)]}
