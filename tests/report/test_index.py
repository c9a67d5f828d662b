"""`logs/index.html`: it leads to every report and run, whatever their names, and whoever writes at the same time."""

import html
import multiprocessing
import os
import re
import time
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest

from helpers import sweep_folders
from hourglass.report import index

EVIL = ("a b&c", "<script>alert(1)<", "javascript:alert(1)", "100%\"'#?x", "\u202egnp")


@pytest.fixture
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sweep of 4 with a report, a run by itself, and a report of several folders."""
    monkeypatch.chdir(tmp_path)
    sweep_folders.make(Path("logs/sweeps/decoders"), ["decoder=transpose", "decoder=resize"], seeds=range(2))
    sweep_folders.make_run(Path("logs/runs"), ["encoder=strided"], 3, name="alone")
    for name in ("sweeps/decoders", "reports/a+b"):
        Path("logs", name).mkdir(parents=True, exist_ok=True)
        Path("logs", name, "report.html").write_text("", encoding="utf-8")
    return Path("logs")


def targets(logs: Path) -> list[str]:
    links = re.findall(r'href="([^"]*)"', (logs / "index.html").read_text(encoding="utf-8"))
    assert all(link.startswith("./") for link in links)
    return [os.fsdecode(unquote_to_bytes(html.unescape(link[2:]))) for link in links]


def test_it_leads_to_every_report_and_run(logs: Path) -> None:
    index.refresh(logs / "runs" / "alone")
    jobs = [f"sweeps/decoders/{job.name}/" for job in sweep_folders.jobs(logs / "sweeps/decoders")]
    others = ["runs/alone/", "sweeps/decoders/report.html", "reports/a+b/report.html"]
    assert sorted(targets(logs)) == sorted([*jobs, *others])
    page = (logs / "index.html").read_text(encoding="utf-8")
    assert "sweep of 4: 4 completed, test MSE 0.00" in page
    assert "bottleneck/strided-transpose, seed 3, mnist5k: completed, test MSE 0.00" in page
    assert not [path for path in logs.iterdir() if path.suffix == ".tmp"]


def test_names_and_results_of_others_are_text(logs: Path) -> None:
    for name in EVIL:
        run = logs / "runs" / name
        (run / ".hydra").mkdir(parents=True)
        (run / "summary.json").write_text('{"format": 1, "status": "</small><img src=x>", "id": "0"}')
    (logs / "runs" / os.fsdecode(b"\xff") / ".hydra").mkdir(parents=True)
    (logs / "elsewhere").symlink_to("/")
    (logs / "runs" / "alone" / "report.html").symlink_to("/etc/passwd")
    index.write(logs)
    page = (logs / "index.html").read_bytes().decode("utf-8")
    there = targets(logs)
    assert {f"runs/{name}/" for name in (*EVIL, os.fsdecode(b"\xff"))} <= set(there)
    assert not [target for target in there if "elsewhere" in target or target.startswith("runs/alone/report")]
    assert not re.search(r"<(script|img)|\u202e", page)
    assert all((logs / target).exists() for target in there)


def test_nothing_that_goes_wrong_costs_more_than_the_index(
    logs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own = logs / "index.html"
    own.write_text("<p>mine")
    index.refresh(logs)
    assert own.read_text() == "<p>mine"
    assert "no logs/index.html: logs/index.html is not of hourglass: move it elsewhere" in capsys.readouterr().out
    own.unlink()
    monkeypatch.setattr(index, "render", lambda root: 1 / 0)
    index.refresh(logs)
    assert "no logs/index.html: division by zero" in capsys.readouterr().out
    index.refresh(Path("/"))  # what lies elsewhere changes nothing here
    assert not own.exists()


def test_of_processes_that_end_at_once_the_last_has_seen_all(logs: Path) -> None:
    """Each adds a run and writes; without one looking at a time, an early look could be written last."""

    def end(name: str) -> None:
        (logs / "runs" / name / ".hydra").mkdir(parents=True)
        index.refresh(logs / "runs" / name)

    names = [f"run{n}" for n in range(8)]
    processes = [multiprocessing.get_context("fork").Process(target=end, args=[name]) for name in names]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * len(names)
    assert {f"runs/{name}/" for name in names} <= set(targets(logs))


@pytest.mark.slow
def test_two_thousand_runs_are_listed_in_seconds(tmp_path: Path) -> None:
    name = sweep_folders.make_run(tmp_path, ["decoder=resize"], 0)
    summary = (tmp_path / name / "summary.json").read_bytes()
    for n in range(2000):
        run = tmp_path / "logs" / "sweeps" / f"s{n % 10}" / f"{n:08x}"
        run.mkdir(parents=True)
        (run / "summary.json").write_bytes(summary)
    start = time.process_time()
    index.write(tmp_path / "logs")
    assert time.process_time() - start < 5
    assert (tmp_path / "logs" / "index.html").stat().st_size < 1e6
