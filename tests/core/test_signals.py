"""SIGINT and SIGTERM in a process that trains nothing itself: the one that plans, launches and watches a sweep."""

import json
import os
import pickle
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from helpers.project import run_command
from hourglass.core import signals
from hourglass.core.errors import Interrupted
from hourglass.core.formats import FORMAT
from hourglass.core.signals import StopRequest, SweepStop

SWEEP = """
import os, signal, sys
from pathlib import Path
from omegaconf import OmegaConf
from types import SimpleNamespace
from hourglass.cli import run, sweep
from hourglass.core.compat.hydra import Application
from hourglass.core.signals import SweepStop
from hourglass.sweeps.sweep import Sweep

planned = Sweep(Path(sys.argv[1]), 0, None, 1, SweepStop())
def stop(): os.kill(os.getpid(), signal.SIGTERM)
def launch(*_):
    try:
        stop()
    except BaseException:
        {what_it_makes_of_it}
    {then}
sweep.plan = lambda *_: (OmegaConf.create({{"report": False}}), SimpleNamespace(sweep=planned), [])
Application.run = launch
run("train", ["-m", "seed=0,1"])
"""
"""The command of a sweep whose launcher, a library, does something of its own when it is stopped."""


def stopped_sweep(folder: Path, what_it_makes_of_it: str, then: str) -> subprocess.CompletedProcess[str]:
    sweep = {"format": FORMAT, "name": "x", "invocations": [{"command": "x", "time": "now", "jobs": []}], "jobs": {}}
    (folder / "sweep.json").write_text(json.dumps(sweep), encoding="utf-8")
    code = SWEEP.format(what_it_makes_of_it=what_it_makes_of_it, then=then)
    return run_command("-c", code, str(folder), timeout=60)


@pytest.mark.parametrize(
    ("what_it_makes_of_it", "then"),
    [
        ("raise AttributeError('in the middle of a library') from None", "pass"),
        ("pass", "raise ValueError('later')"),
        ("pass", "planned.stop.check(); print('went on')"),
        ("stop(); raise", "print('went on')"),  # a second one, while the first is carried out
    ],
)
def test_a_request_to_stop_survives_the_library_that_it_meets(
    tmp_path: Path, what_it_makes_of_it: str, then: str
) -> None:
    done = stopped_sweep(tmp_path, what_it_makes_of_it, then)
    assert (done.returncode, done.stdout, done.stderr) == (143, "", "")


def test_a_third_request_ends_a_sweep_at_once(tmp_path: Path) -> None:
    done = stopped_sweep(tmp_path, what_it_makes_of_it="stop(); stop(); print('went on')", then="pass")
    assert (done.returncode, done.stdout) == (143, "")


def test_a_file_stops_a_sweep_in_whatever_process_a_job_runs(tmp_path: Path) -> None:
    stop = SweepStop(tmp_path / "stop")
    stop.check()
    assert not stop.by_file()
    (tmp_path / "stop").touch()
    elsewhere: SweepStop = pickle.loads(pickle.dumps(stop))
    assert elsewhere.by_file()
    with pytest.raises(Interrupted) as interrupted:
        elsewhere.check()
    assert (interrupted.value.signum, interrupted.value.code) == (signal.SIGTERM, 143)
    SweepStop().check()  # its jobs outlive it: there is no file


def test_the_first_signal_tells_the_jobs_and_the_second_is_only_noted() -> None:
    told: list[str] = []
    stop = SweepStop()
    with signals.kept():
        stop.handle_signals(lambda: told.append("jobs"))
        with pytest.raises(Interrupted, match="stopped by SIGINT; the same command continues it"):
            os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
    assert told == ["jobs"]
    assert stop.received == [signal.SIGINT, signal.SIGTERM]
    with pytest.raises(Interrupted) as again:
        stop.check()
    assert again.value.code == 130


def test_what_a_library_does_to_the_handlers_is_undone() -> None:
    before = [signal.getsignal(signum) for signum in signals.SIGNALS]
    with signals.kept():
        signals.ignore()
        assert [signal.getsignal(signum) for signum in signals.SIGNALS] == [signal.SIG_IGN, signal.SIG_IGN]
    assert [signal.getsignal(signum) for signum in signals.SIGNALS] == before


def test_training_looks_at_a_flag(capfd: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with StopRequest() as stop:
        assert not stop.requested
    assert signal.getsignal(signal.SIGTERM) == before
    with signals.kept():
        with stop:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGTERM)
            assert (stop.requested, stop.signum, stop.count) == (True, signal.SIGINT, 2)
        assert signal.getsignal(signal.SIGTERM) == stop._note  # the process is about to end
    assert capfd.readouterr().err == "\nSIGINT: stopping at the next step; a third one stops at once\n"


def test_signals_to_this_thread_wait_for_the_end_of_a_block() -> None:
    received: list[int] = []
    with signals.kept():
        signal.signal(signal.SIGTERM, lambda signum, _: received.append(signum))
        with signals.blocked(signals.SIGNALS):
            signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
            assert received == []
        assert received == [signal.SIGTERM]


def test_an_interruption_survives_the_way_from_a_launcher_s_worker() -> None:
    again: Interrupted = pickle.loads(pickle.dumps(Interrupted(signal.SIGTERM)))
    assert (again.signum, again.code, str(again)) == (15, 143, "stopped by SIGTERM; the same command continues it")
