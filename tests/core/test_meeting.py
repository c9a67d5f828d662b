"""Processes of one run that meet: what they agree on, what each hears of the others, and that nobody waits for ever."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hourglass.core.errors import Busy, ConfigError, DataError, HourglassError, JobFailed, StorageError
from hourglass.core.processes import locks, meeting
from hourglass.core.processes.meeting import Meeting


class Store:
    """torch's, in one process"""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def set(self, key: str, value: str) -> None:
        self.kept[key] = value

    def get(self, key: str) -> bytes:
        return self.kept[key].encode()

    def check(self, keys: list[str]) -> bool:
        return set(keys) <= self.kept.keys()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meeting, "SEEN_WITHIN", 0.3)


def meet(*given: tuple[str, Path]) -> list[HourglassError | None]:
    """What each process, given an id and a folder, raises."""
    store = Store()

    def one(rank: int) -> HourglassError | None:
        mine = Meeting(store, rank, len(given))
        try:
            mine.agree(*given[rank])
            mine.ready()
        except HourglassError as error:
            mine.failed(error)
            return error
        return None

    with ThreadPoolExecutor(len(given)) as pool:
        return list(pool.map(one, range(len(given))))


def test_processes_of_one_run_in_one_folder_are_ready_and_leave_nothing(tmp_path: Path) -> None:
    assert meet(*[("0bee4d65", tmp_path)] * 3) == [None] * 3
    assert list(tmp_path.iterdir()) == []


def test_another_configuration_is_named(tmp_path: Path) -> None:
    errors = meet(("0bee4d65", tmp_path), ("0bee4d65", tmp_path), ("1c2d3e4f", tmp_path))
    assert all(isinstance(error, ConfigError) for error in errors)
    assert "was given run 0bee4d65, rank 2 on " in str(errors[0])
    assert "was given run 1c2d3e4f: give every node the same command" in str(errors[0])


def test_a_folder_that_a_node_has_for_itself_is_refused(tmp_path: Path) -> None:
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    errors = meet(("0bee4d65", tmp_path / "here"), ("0bee4d65", tmp_path / "there"))
    assert all(isinstance(error, StorageError) for error in errors)
    assert "does not see in " in str(errors[0])
    assert "choose a folder that all nodes share" in str(errors[0])


def test_locks_that_another_node_does_not_find_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "is_locked", lambda path: False)
    errors = meet(*[("0bee4d65", tmp_path)] * 2)
    assert all("choose a folder whose locks all nodes share" in str(error) for error in errors)


def test_two_commands_do_not_meet_in_one_folder(tmp_path: Path) -> None:
    with locks.lock(tmp_path / ".nodes.lock"):
        errors = meet(*[("0bee4d65", tmp_path)] * 2)
    assert isinstance(errors[0], Busy)
    assert isinstance(errors[1], JobFailed)
    assert "another command is at work" in str(errors[1])


def test_a_folder_that_cannot_be_written_is_told_to_all(tmp_path: Path) -> None:
    errors = meet(*[("0bee4d65", tmp_path / "missing")] * 2)
    assert "cannot be written" in str(errors[0])
    assert "cannot be written" in str(errors[1])


def test_why_one_process_has_failed_is_heard_by_the_others(tmp_path: Path) -> None:
    store = Store()
    Meeting(store, 1, 2).failed(DataError("no images"))
    with pytest.raises(JobFailed, match=r"rank 1 on \S+: no images"):
        Meeting(store, 0, 2).ready()


def test_nobody_waits_for_ever(tmp_path: Path) -> None:
    store, done = Store(), threading.Event()
    mine = Meeting(store, 0, 3)
    threading.Timer(0.1, lambda: (store.set("configuration/2", "0bee4d65 rank 2"), done.set())).start()
    with pytest.raises(JobFailed, match=r"nothing was heard of rank 1 for 1 s: see what it printed"):
        mine.agree("0bee4d65", tmp_path)
    assert done.is_set()
