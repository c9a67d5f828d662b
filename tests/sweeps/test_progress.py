"""The line of a job that has just ended: what it says, and that thousands of jobs do not make it slow."""

import shutil
from pathlib import Path

import pytest

from helpers import sweep_folders
from hourglass.runs.read import names_of, read_sweep
from hourglass.sweeps import progress


def test_a_line_reads_only_what_has_ended_since_the_last_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = sweep_folders.make(tmp_path / "sweep", ["decoder=transpose", "decoder=resize"], seeds=range(3))
    jobs = read_sweep(folder)["jobs"]
    names, (*others, planned, last) = names_of(jobs, jobs), jobs
    shutil.rmtree(folder / planned)
    shutil.move(folder / last, tmp_path / last)
    read, status_of = [], progress.status_of
    monkeypatch.setattr(progress, "status_of", lambda path: read.append(path.name) or status_of(path))
    ends: progress.Ends = {}
    first = progress.line(folder, names, others[0], None, {others[0]: 9.0}, None, 1, ends)
    assert first.startswith("[4/6] decoder=transpose seed=0  ·  completed in 9.0 s  ·  val/loss 0.00")
    assert first.endswith("18 s left")
    assert sorted(read) == sorted(others)
    shutil.move(tmp_path / last, folder / last)
    read.clear()
    second = progress.line(folder, names, last, None, {others[0]: 9.0, last: 11.0}, None, 1, ends)
    assert second.startswith("[5/6] decoder=resize seed=2  ·  completed in 11 s")
    assert second.endswith("10 s left")
    assert read == [last]
    assert ends.keys() == set(names) - {planned}


def test_jobs_that_are_tried_again_are_not_done(tmp_path: Path) -> None:
    folder = sweep_folders.make(tmp_path / "sweep", ["decoder=transpose"], seeds=range(3))
    _, *failed = sweep_folders.jobs(folder)
    for path in failed:
        sweep_folders.spoil(path, "failed", "MemoryError: out of memory")
    jobs = read_sweep(folder)["jobs"]
    for retry, done in {None: 3, "failed": 2}.items():
        seconds = {failed[0].name: 9.0}
        of_it = (failed[0].name, "MemoryError: out of memory", seconds, retry, 1, {})
        text = progress.line(folder, names_of(jobs, jobs), *of_it)
        assert text.startswith(f"[{done}/3] seed=1  ·  failed in 9.0 s  ·  MemoryError: out of memory  ·  best seed=0")
