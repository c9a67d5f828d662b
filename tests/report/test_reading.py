"""A folder of runs, read: nothing is dropped in silence."""

import fcntl
import json
import math
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers.sweep_folders import change, evaluate, jobs, make_run, spoil
from hourglass.core.errors import DataError
from hourglass.report import markdown
from hourglass.report.analysis import comparison, tables
from hourglass.report.analysis.review import review
from hourglass.report.page import render
from hourglass.report.reading import runs


def test_a_sweep_is_read_in_its_order(whole: Path, sweep: runs.Sweep) -> None:
    assert [run.folder for run in sweep.runs] == jobs(whole)
    assert (sweep.name, sweep.others) == ("grid", [])
    run, summary = sweep.runs[0], json.loads((jobs(whole)[0] / "summary.json").read_text())
    for name in ("id", "choices", "seed", "cost", "baselines", "ratios", "versions", "hardware", "data", "channels"):
        assert getattr(run, name) == summary[name], name
    assert run.config["encoder.channels"] == [16, 32]
    assert run.raw["encoder.channels"] == "${channels}"
    assert not {"sweep", "baselines"} & set(run.config)  # where and how, not what
    assert math.isnan(run.metrics["init/shift_consistency_4"])  # null in JSON


def test_the_files_of_a_run_come_with_it(sweep: runs.Sweep) -> None:
    run = sweep.runs[0]
    history = run.history()
    assert history["seconds"].tolist() == pytest.approx(0.05 * (history["step"] + 1), abs=1e-3)
    assert history["val/mse"].count() == 3  # and empty between the epochs
    by_pandas = pd.read_csv(run.folder / "metrics.csv", float_precision="round_trip")
    pd.testing.assert_frame_equal(history.drop(columns="seconds"), by_pandas, check_dtype=False, check_exact=True)
    assert list(run.spectra()) == ["frequency", "input", "target", "output", "error"]
    examples = run.examples()
    assert examples is not None
    assert examples["output"].shape == (20, 1, 28, 28)
    assert run.evaluations() == []


def test_what_not_every_run_has_may_be_missing(small: Path) -> None:
    folder = jobs(small)[0]
    for name in ("times.csv", "spectra.csv", "examples.npz"):
        (folder / name).unlink()
    summary = json.loads((folder / "summary.json").read_text())
    for name in ("hardware", "data", "channels", "overrides", "baselines", "ratios"):
        del summary[name]
    (folder / "summary.json").write_text(json.dumps(summary))
    sweep = runs.read(small)
    assert sweep.others == []
    run = sweep.runs[0]
    assert run.history()["seconds"].isna().all()
    assert run.spectra().empty
    assert run.examples() is None
    assert "no fingerprint recorded" in str(tables.provenance(sweep)["data"])


def test_what_a_file_must_hold_is_looked_for(small: Path) -> None:
    """Each of these, taken for whole, would end the report later, or be drawn as something else."""
    one, two, three, four = jobs(small)
    broken = {
        one / "evaluations" / "a.json": ("{}", "is not whole (id: Field required)"),
        one / "evaluations" / "b.json": ("[]", "is not whole (it holds list)"),
        one / "evaluations" / "c.json": ('{"id": ', "Expecting value"),
        one / "evaluations" / "d.json": ('{"corruption": {"kind": "none"}}', "is not whole (id: Field required)"),
        one / "spectra.csv": ("frequency,output\n0.1,2\n", "it lacks error, input, target"),
        two / "metrics.csv": ("step,val/loss\n9,1\n19,2\n9,3\n", "step 9 occurs twice"),
        three / "times.csv": ("step\n9\n", "it lacks seconds"),
        four / "summary.json": ("[]", "it holds list"),
    }
    (one / "evaluations").mkdir()
    evaluate(one, "none", 0.0)
    for path, (content, _) in broken.items():
        path.write_text(content)
    arrays = dict(np.load(two / "examples.npz"))
    np.savez(two / "examples.npz", mse=arrays["mse"], index=arrays["index"])
    broken[two / "examples.npz"] = ("", "it lacks each, input, output, target")
    sweep = runs.read(small)
    assert len(sweep.others) == len(broken)
    for path, (_, reason) in broken.items():
        (problem,) = (problem for problem in sweep.others if str(path) in problem.reason)
        assert problem.status == "torn"
        assert reason in problem.reason
    assert [record["corruption"]["kind"] for record in sweep.runs[0].evaluations()] == ["none"]
    assert sweep.runs[1].examples() is None
    render.render(review(sweep))


def test_pictures_that_are_not_what_they_say_are_named(small: Path) -> None:
    one, two, three, _ = (folder / "examples.npz" for folder in jobs(small))
    arrays = dict(np.load(one))
    content = bytearray(one.read_bytes())
    with zipfile.ZipFile(one) as file:
        last = max(file.infolist(), key=lambda member: member.compress_size)
    content[last.header_offset + last.compress_size // 2] ^= 1
    one.write_bytes(content)
    np.savez(two, **(arrays | {"output": arrays["output"].astype(float)}))
    with zipfile.ZipFile(three) as file, zipfile.ZipFile(repacked := three.with_name("x"), "w") as other:
        for member in file.infolist():
            other.writestr(member.filename, file.read(member), zipfile.ZIP_BZIP2)
    repacked.replace(three)
    damaged, floats, packed = (problem.reason for problem in runs.read(small).others)
    assert str(one) in damaged
    assert "output.npy holds another array than it says" in floats
    assert "is packed as numpy packs nothing" in packed


def test_a_job_with_a_folder_is_not_called_missing(small: Path) -> None:
    one, two, *_ = jobs(small)
    (one / "summary.json").unlink()
    shutil.rmtree(two)
    begun, missing = runs.read(small).others
    assert (begun.status, missing.status) == ("planned", "planned")
    assert "a folder and no summary.json" in begun.reason
    assert "missing: it has no folder" in missing.reason


def test_one_run_and_a_folder_of_runs(small: Path, tmp_path: Path) -> None:
    one = runs.read(jobs(small)[0])
    assert (len(one.runs), one.info) == (1, {})
    assert [c.label for c in one.configurations] == ["encoder=maxpool, decoder=transpose"]
    folder = tmp_path / "runs"
    for time_of_day, seed in {"10-00-00": 0, "11-00-00": 1, "12-00-00": 0}.items():
        name = f"2026-03-01_{time_of_day}-abcdef0{seed}"
        make_run(folder, ["decoder=resize"], seed, name=name)
    several = runs.read(folder)
    assert [run.folder.name[11:19] for run in several.runs] == ["11-00-00", "12-00-00"]
    (repeated,) = several.others
    assert repeated.status == "repeated"
    assert "12-00-00" in repeated.reason
    assert repeated.folder.name.startswith("2026-03-01_10")


def test_a_folder_without_runs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere does not exist: give the folder of a sweep"):
        runs.read(tmp_path / "nowhere")
    with pytest.raises(DataError, match="holds no run"):
        runs.read(tmp_path)


def test_nothing_is_dropped_in_silence(whole: Path, tmp_path: Path) -> None:
    folder = tmp_path / "spoiled"
    shutil.copytree(whole, folder)
    missing, torn, failed, diverged, interrupted, running, incompatible, cut, no_config, zipped = jobs(folder)[::3][:10]
    shutil.rmtree(missing)
    text = (torn / "summary.json").read_text()
    (torn / "summary.json").write_text(text[: len(text) // 2])
    spoil(failed, "failed", "RuntimeError: CUDA out of memory")
    spoil(diverged, "diverged", "the training loss is not a finite number at step 30")
    spoil(interrupted, "running", None)  # it says so, but nobody is at work there
    spoil(running, "running", None)
    spoil(incompatible, "incompatible", "this decoder needs the argmax indices")
    rows = (cut / "metrics.csv").read_text()
    (cut / "metrics.csv").write_text(rows[: len(rows) - 30])
    (no_config / ".hydra" / "config.yaml").unlink()
    content = (zipped / "examples.npz").read_bytes()
    (zipped / "examples.npz").write_bytes(content[: len(content) // 2])
    with (running / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        sweep = runs.read(folder)
    found = {problem.id: problem for problem in sweep.others}
    expected = {
        missing: ("planned", "missing"),
        torn: ("torn", str(torn / "summary.json")),
        failed: ("failed", "CUDA out of memory"),
        diverged: ("diverged", "at step 30"),
        interrupted: ("interrupted", "the same command continues it"),
        running: ("running", "still running"),
        incompatible: ("incompatible", "argmax indices"),
        cut: ("torn", f"{cut / 'metrics.csv'}: it ends within a row"),
        no_config: ("torn", str(no_config / ".hydra" / "config.yaml")),
        zipped: ("torn", f"{zipped / 'examples.npz'}: it is not whole"),
    }
    assert set(found) == {job.name for job in expected}
    for job, (status, reason) in expected.items():
        assert found[job.name].status == status
        assert reason in found[job.name].reason
        assert found[job.name].overrides[-1].startswith("seed=")
    assert len(sweep.runs) == 36 - 8  # two of them have a result all the same
    kept = {run.id: run for run in sweep.runs}
    assert kept[cut.name].history().empty
    assert kept[zipped.name].examples() is None
    assert len(tables.leaderboard(sweep)) == 6
    assert tables.leaderboard(sweep)["n"].sum() == 28
    assert len(tables.results(sweep)) == 36
    report = markdown.write(review(sweep, "decoder=resize"))
    for job, (status, reason) in expected.items():
        assert f"| {job.name} | {status} |" in report
        assert reason in report
    assert "28 completed runs, 8 without a result" in report
    statuses = tables.provenance(sweep)["statuses"]
    assert statuses == {
        "completed": 28, "planned": 1, "torn": 2, "failed": 1, "diverged": 1, "interrupted": 1, "running": 1,
        "incompatible": 1,
    }  # fmt: skip


def test_a_sweep_without_any_result_is_still_told(small: Path) -> None:
    for job in jobs(small):
        spoil(job, "failed", "RuntimeError: no")
    sweep = runs.read(small)
    assert tables.leaderboard(sweep).empty
    assert comparison.paired(sweep).empty
    report = markdown.write(review(sweep))
    assert report.count("RuntimeError: no") == 4


def test_a_torn_sweep_json_costs_the_order_only(small: Path) -> None:
    names = {job.name for job in jobs(small)}
    for torn in ('{"name": "sm', "[]", '{"name": "small", "jobs": {}}'):
        (small / "sweep.json").write_text(torn)
        sweep = runs.read(small)
        assert {run.id for run in sweep.runs} == names
        assert [(p.id, p.status) for p in sweep.others] == [("sweep.json", "torn")]
        assert (sweep.lost, sweep.name) == ([], "small")


def test_a_run_of_another_format_is_named_with_the_cure(small: Path) -> None:
    one, two, *_ = jobs(small)
    change(one, format=2)
    summary = json.loads((two / "summary.json").read_text())
    del summary["format"]
    (two / "summary.json").write_text(json.dumps(summary))
    later, earlier = runs.read(small).others
    assert (later.status, earlier.status) == ("torn", "torn")
    assert f"{one / 'summary.json'} has format 2, and this version of hourglass reads 1" in later.reason
    assert f"{two / 'summary.json'} has no format number" in earlier.reason
    assert "run it again" in earlier.reason
    assert len(runs.read(small).runs) == 2


def test_a_configuration_that_would_run_something_is_not_read(small: Path) -> None:
    path = jobs(small)[0] / ".hydra" / "config.yaml"
    path.write_text(path.read_text() + "\nmine: ${oc.env:HOME}\n")
    (problem,) = runs.read(small).others
    assert problem.status == "torn"
    assert f"{path}.mine=${{oc.env:HOME}}" in problem.reason
