"""SIGINT and SIGTERM in a process that trains nothing itself: the one that plans, launches and watches a sweep."""

import pytest

from helpers.project import run_command

START = """
import os, signal, sys
from hourglass import commands, signals
signals.interrupt(first=lambda: None)
def stop(): os.kill(os.getpid(), signal.SIGTERM)
"""
LIBRARY = """
def task():
    try:
        stop()
    except BaseException:
        {what_it_makes_of_it}
    {then}
commands.main(task)
"""


@pytest.mark.parametrize(
    ("what_it_makes_of_it", "then"),
    [
        ("raise AttributeError('in the middle of a library') from None", "pass"),
        ("pass", "raise ValueError('later')"),
        ("pass", "signals.check(); print('went on')"),
        ("stop(); raise", "print('went on')"),  # a second one, while the first is carried out
    ],
)
def test_a_request_to_stop_survives_the_library_that_it_meets(what_it_makes_of_it: str, then: str) -> None:
    code = START + LIBRARY.format(what_it_makes_of_it=what_it_makes_of_it, then=then)
    done = run_command("-c", code, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (143, "", "")


def test_a_third_request_ends_a_sweep_at_once() -> None:
    code = START + LIBRARY.format(what_it_makes_of_it="stop(); stop(); print('went on')", then="pass")
    done = run_command("-c", code, timeout=60)
    assert (done.returncode, done.stdout) == (143, "")
