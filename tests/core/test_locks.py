"""A lock keeps every other process out, and ends with the process that took it."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from helpers.project import run_command
from hourglass.core.processes.locks import Locked, is_locked, lock

TAKE = """
import sys
from pathlib import Path
from hourglass.core.processes.locks import Locked, lock
try:
    with lock(Path(sys.argv[1]), wait=float(sys.argv[2])):
        print("taken")
except Locked:
    print("locked")
"""
HOLD = """
import sys, time
from pathlib import Path
from hourglass.core.processes.locks import lock
with lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def taken_by_another(path: Path, wait: float = 0) -> str:
    done = run_command("-c", TAKE, str(path), str(wait), timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_lock_keeps_other_processes_out(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not is_locked(path)  # nor is it made by asking
    assert not path.exists()
    with lock(path):
        assert is_locked(path)
        assert taken_by_another(path) == "locked"
        with pytest.raises(Locked), lock(path, wait=0):
            pass
        assert is_locked(path)
    assert not is_locked(path)
    assert taken_by_another(path) == "taken"


def test_it_is_let_go_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), lock(tmp_path / "lock"):
        raise ZeroDivisionError
    assert not is_locked(tmp_path / "lock")


def test_waiting_has_an_end(tmp_path: Path) -> None:
    with lock(tmp_path / "lock"):
        start = time.monotonic()
        with pytest.raises(Locked), lock(tmp_path / "lock", wait=0.3):
            pass
        assert 0.3 <= time.monotonic() - start < 5


def test_it_ends_with_its_process_however_that_ends(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    assert is_locked(path)
    holder.send_signal(signal.SIGKILL)
    with lock(path, wait=10):  # waits for the end of the other
        assert holder.wait() == -signal.SIGKILL


def test_a_forked_child_does_not_hold_it_on(tmp_path: Path) -> None:
    """Else a worker that outlives its parent would keep everybody out of the run."""
    path = tmp_path / "lock"
    context = multiprocessing.get_context("fork")
    started, over = context.Event(), context.Event()

    def work() -> None:
        started.set()
        over.wait(60)

    with lock(path):
        child = context.Process(target=work)
        child.start()
        assert started.wait(60)
        assert is_locked(path)  # the child has not let go of what is ours
    assert not is_locked(path)
    assert child.is_alive()
    over.set()
    child.join()
    assert child.exitcode == 0


def test_what_a_child_locks_is_its_own(tmp_path: Path) -> None:
    def work() -> None:
        with lock(tmp_path / "theirs", wait=0):
            os._exit(0 if is_locked(tmp_path / "ours") else 3)

    with lock(tmp_path / "ours"):
        child = multiprocessing.get_context("fork").Process(target=work)
        child.start()
        child.join()
    assert child.exitcode == 0
    assert not is_locked(tmp_path / "theirs")
