"""Runs listed, compared and cleaned up: what is shown is right, and nothing is removed that should stay."""

import json
import shutil
from pathlib import Path

import pytest

from helpers.project import ROOT, run_command
from hourglass.cli import runs
from hourglass.core.errors import ConfigError, DataError
from hourglass.runs.status import lock
from hourglass.sweeps.overview import cleaning

KEPT = ROOT / "tests" / "fixtures" / "format1"


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """A run of every kind, and a sweep with a failed job."""
    logs = tmp_path / "logs"
    for name in ("good", "failed", "diverged", "torn", "interrupted", "odd", "foreign"):
        shutil.copytree(KEPT / "run", logs / "runs" / name)
    for name, status in {"failed": "failed", "diverged": "diverged", "interrupted": "running", "odd": "failed"}.items():
        set_status(logs / "runs" / name, status)
    (logs / "runs" / "torn" / "summary.json").write_text("{", encoding="utf-8")
    (logs / "runs" / "odd" / "thesis.tex").write_text("mine", encoding="utf-8")
    (logs / "runs" / "foreign" / "summary.json").write_text('{"format": 1, "status": "failed"}', encoding="utf-8")
    shutil.rmtree(logs / "runs" / "foreign" / ".hydra")
    shutil.copytree(KEPT / "sweep", logs / "sweeps" / "decoders")
    set_status(logs / "sweeps" / "decoders" / "89cd2a2d", "failed")
    return logs


def set_status(folder: Path, status: str) -> None:
    path = folder / "summary.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"status": status}), encoding="utf-8")


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def shown(capsys: pytest.CaptureFixture[str], *arguments: object) -> list[str]:
    runs.main([str(argument) for argument in arguments])
    return capsys.readouterr().out.splitlines()


def test_a_line_for_each_run_and_for_each_sweep(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    head, *lines, total = shown(capsys, logs)
    assert head.split() == ["status", "network", "seed", "data", "test", "MSE", "size", "age", "folder"]
    assert len(lines) == 8
    assert total.startswith("11 runs, ")
    good = next(line for line in lines if line.endswith("runs/good"))
    assert good.split()[:5] == ["completed", "denoising/maxpool-transpose", "0", "synthetic", "0.1073"]
    assert sum(line.startswith("interrupted ") for line in lines) == 1
    sweep = next(line for line in lines if line.endswith("sweeps/decoders"))
    assert sweep.startswith("3 completed, 1 failed  sweep of 4")
    assert "at best" in sweep
    assert len(shown(capsys, "list", logs / "sweeps" / "decoders")) == 1 + 4 + 1


def test_what_is_asked_for_is_chosen(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(shown(capsys, logs, "status=failed,diverged")) == 1 + 5 + 1
    assert len(shown(capsys, logs, "decoder=transpose", "seed=1", "status=completed")) == 1 + 1 + 1
    assert len(shown(capsys, logs, "sweep=decoders", "status=completed")) == 1 + 3 + 1
    assert shown(capsys, logs, "decoder=carafe") == [f"no run below {logs} with decoder=carafe"]


def test_texts_of_a_stranger_do_not_steer_the_terminal(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = logs / "runs" / "good" / "summary.json"
    summary = json.loads(path.read_text())
    summary["choices"]["model"] = "\x1b[2Jconv\nx"
    path.write_text(json.dumps(summary), encoding="utf-8")
    (logs / "runs" / "good").rename(logs / "runs" / "go\x1b]od")
    lines = shown(capsys, logs)
    assert not any("\x1b" in line for line in lines)
    assert len(lines) == 1 + 8 + 1


def test_two_runs_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, "compare", KEPT / "sweep" / "968d3ae9", KEPT / "sweep" / "7a2471ca")
    values = {line.split()[0]: line.split()[1:] for line in lines[1:]}
    assert values["seed"] == ["1", "0"]
    assert values["test/mse"] == ["0.08912", "0.08754"]
    assert values["num_params"] == ["189", "189"]
    assert "optimizer.lr" not in values
    assert shown(capsys, "compare", KEPT / "run", KEPT / "run")[-1] == "configured alike"
    with pytest.raises(DataError, match=r"no run folder: it has neither summary\.json nor \.hydra"):
        runs.main(["compare", str(KEPT), str(KEPT / "run")])


def test_without_a_terminal_it_only_lists(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = names(logs / "runs")
    lines = shown(capsys, "clean", logs)
    assert "3 runs, " in lines[-1]
    assert lines[-1].endswith("nothing was removed, since there is no terminal to ask at; yes=true removes them")
    assert names(logs / "runs") == before
    assert any("runs/odd, with thesis.tex in it" in line for line in lines)
    assert any("runs/foreign, without the configuration" in line for line in lines)


def test_only_what_is_broken_and_ours_is_removed(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, "clean", logs, "yes=true")[-1] == "3 runs removed"
    assert names(logs / "runs") == {"good", "interrupted", "odd", "foreign"}
    assert len(names(logs / "sweeps" / "decoders")) == 5
    assert shown(capsys, "clean", logs, "status=interrupted", "yes=true")[-1] == "1 run removed"
    assert shown(capsys, "clean", logs / "sweeps" / "decoders", "yes=true")[-1] == "1 run removed"
    assert len(names(logs / "sweeps" / "decoders")) == 4


@pytest.mark.parametrize(("answer", "left"), [("y", 4), ("", 7), ("no", 7)])
def test_at_a_terminal_it_asks(
    answer: str, left: int, logs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda question: answer)
    runs.main(["clean", str(logs)])
    assert len(names(logs / "runs")) == left


def test_nothing_is_removed_through_a_link(logs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    elsewhere = logs.rename(tmp_path / "elsewhere")
    before = set(elsewhere.rglob("*"))
    logs.mkdir()
    (logs / "link").symlink_to(elsewhere / "runs")
    assert shown(capsys, "clean", logs, "yes=true") == [f"nothing to clean below {logs}"]
    (tmp_path / "also").symlink_to(elsewhere)
    with pytest.raises(ConfigError, match="is a link, and nothing is removed through one"):
        runs.main(["clean", str(tmp_path / "also"), "yes=true"])
    failed = elsewhere / "runs" / "failed"
    shutil.rmtree(failed / "images")
    (failed / "images").symlink_to(elsewhere / "runs" / "good")
    runs.main(["clean", str(elsewhere), "yes=true"])
    assert not failed.exists()
    assert {path for path in before if path.is_relative_to(elsewhere / "runs" / "good")} <= set(elsewhere.rglob("*"))


def test_a_run_at_work_stays(logs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hourglass.runs.status.WAIT", 0.1)
    with lock(logs / "runs" / "failed"):
        assert shown(capsys, "clean", logs, "yes=true")[-1] == "2 runs removed"
    assert "failed" in names(logs / "runs")


def test_everything_that_a_run_leaves_is_known() -> None:
    for folder in (KEPT / "run", KEPT / "killed", *(KEPT / "sweep").glob("*/")):
        assert cleaning.refusal(folder) == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["status=done"], "status=done: it is one of planned, running,"),
        (["decodr=resize"], r"decodr=resize: runs list has no such option \(did you mean decoder=\?\)"),
        (["clean", "status=completed"], "clean never removes completed or running runs"),
        (["clean", "yes=1"], "yes=1: it is yes=true, or left out"),
        (["compare", "a"], "name two runs"),
        (["compare", "a", "b", "seed=1"], "runs compare has no such option"),
        (["claen", "logs"], r"takes one folder \(did you mean clean\?\)"),
        (["seed=1", "seed=2"], "seed is given twice"),
    ],
)
def test_careless_command_lines_are_refused(arguments: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        runs.main(arguments)


def test_torch_is_not_needed() -> None:
    done = run_command("-X", "importtime", "runs.py", str(KEPT))
    assert done.returncode == 0, done.stderr
    assert not {"torch", "pandas", "lightning"} & {line.split("|")[-1].strip() for line in done.stderr.splitlines()}
    assert run_command("runs.py", "nowhere").stderr.strip().startswith("DataError: nowhere is no folder")


def test_help_names_every_key(capsys: pytest.CaptureFixture[str]) -> None:
    runs.main(["--help"])
    assert "status, id, seed, sweep, model" in capsys.readouterr().out
