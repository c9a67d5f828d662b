"""The machine that a benchmark runs on, named beneath its numbers, and the environment that a run would have."""

import os
import re
import sys
from pathlib import Path

import torch

from hourglass.core.processes.environment import wait_asleep


def cpu() -> str:
    cpuinfo = Path("/proc/cpuinfo")  # of Linux; elsewhere Python does not know
    name = re.search(r"model name\s*: (.*)", cpuinfo.read_text(encoding="utf-8") if cpuinfo.exists() else "")
    return f"{name[1] if name else 'unknown CPU'}, {os.cpu_count()} cores"


def hardware() -> str:
    return f"{cpu()}, {torch.get_num_threads()} threads, no GPU; torch {torch.__version__}"


def in_the_environment_of_a_run() -> None:
    """Start this program again where torch was imported before `wait_asleep`, which a command calls before it."""
    before = dict(os.environ)
    wait_asleep()
    if os.environ != before:
        os.execv(sys.executable, [sys.executable, *sys.argv])  # nosec B606 # this very program
