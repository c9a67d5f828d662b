"""A folder of runs, read and tabulated: what was swept, what is compared with what, and nothing dropped in silence."""

import contextlib
import fcntl
import json
import math
import shutil
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from helpers.project import autoencoder_for, configure, run_command
from helpers.sweep_folders import evaluate, make, make_run, spoil
from hourglass.core.errors import ConfigError, DataError
from hourglass.report import command, markdown
from hourglass.report.analysis import comparison, tables
from hourglass.report.analysis.review import review
from hourglass.report.page import render as page
from hourglass.report.reading import runs
from hourglass.report.reading.run import value_of
from hourglass.runs import build
from hourglass.training.callbacks.examples import Examples, chosen

DECODERS = ("decoder=transpose", "decoder=resize", "decoder=subpixel")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2 encoders × 3 decoders × 6 seeds, all completed."""
    return make(
        tmp_path_factory.mktemp("report") / "grid", ("encoder=maxpool", "encoder=strided"), DECODERS, seeds=range(6)
    )


@pytest.fixture(scope="module")
def sweep(whole: Path) -> runs.Sweep:
    return runs.read(whole)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """2 decoders × 2 seeds, to be spoiled."""
    return make(tmp_path / "small", DECODERS[:2], seeds=range(2))


def jobs(folder: Path) -> list[Path]:
    return [folder / name for name in json.loads((folder / "sweep.json").read_text())["jobs"]]


def change(folder: Path, **values: object) -> None:
    path = folder / "summary.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


# Reading


def test_a_sweep_is_read_in_its_order(whole: Path, sweep: runs.Sweep) -> None:
    assert [run.folder for run in sweep.runs] == jobs(whole)
    assert (sweep.name, sweep.others) == ("grid", [])
    run, summary = sweep.runs[0], json.loads((jobs(whole)[0] / "summary.json").read_text())
    for name in ("id", "choices", "seed", "cost", "floors", "ratios", "versions", "hardware", "data", "channels"):
        assert getattr(run, name) == summary[name], name
    assert run.config["encoder.channels"] == [16, 32]
    assert run.raw["encoder.channels"] == "${channels}"
    assert not {"sweep", "floors"} & set(run.config)  # where and how, not what
    assert math.isnan(run.metrics["init/shift_consistency_4"])  # null in JSON


def test_the_files_of_a_run_come_with_it(sweep: runs.Sweep) -> None:
    run = sweep.runs[0]
    history = run.history()
    assert history["seconds"].tolist() == pytest.approx(0.05 * (history["step"] + 1), abs=1e-3)
    assert history["val/mse"].count() == 3  # and empty between the epochs
    assert list(run.spectra()) == ["frequency", "input", "target", "output", "error"]
    examples = run.examples()
    assert examples is not None
    assert examples["output"].shape == (20, 1, 28, 28)
    assert run.evaluations() == []


def test_what_is_older_is_read_too(small: Path) -> None:
    folder = jobs(small)[0]
    for name in ("times.csv", "spectra.csv", "examples.npz"):
        (folder / name).unlink()
    summary = json.loads((folder / "summary.json").read_text())
    for name in ("hardware", "data", "channels", "overrides", "floors", "ratios"):
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
        one / "evaluations" / "a.json": ("{}", "it is no evaluation"),
        one / "evaluations" / "b.json": ("[]", "it is no evaluation"),
        one / "evaluations" / "c.json": ('{"id": ', "Expecting value"),
        one / "evaluations" / "d.json": ('{"corruption": {"kind": "none"}}', "it lacks data, id, level, metrics"),
        one / "spectra.csv": ("frequency,output\n0.1,2\n", "it lacks error, input, target"),
        two / "metrics.csv": ("step,val/loss\n9,1\n19,2\n9,3\n", "step 9 stands in it twice"),
        three / "times.csv": ("step\n9\n", "it lacks seconds"),
        four / "summary.json": ("[]", "AttributeError"),
    }
    (one / "evaluations").mkdir()
    evaluate(one, "none", 0.0)
    for path, (content, _) in broken.items():
        path.write_text(content)
    arrays = dict(np.load(two / "examples.npz"))
    np.savez(two / "examples.npz", mse=arrays["mse"], index=arrays["index"])
    broken[two / "examples.npz"] = ("", "it lacks input, output, target")
    sweep = runs.read(small)
    found = {problem.reason.split(": ")[0]: problem for problem in sweep.others}
    assert set(found) == set(map(str, broken))
    for path, (_, reason) in broken.items():
        assert found[str(path)].status == "torn"
        assert reason in found[str(path)].reason
    assert [record["corruption"]["kind"] for record in sweep.runs[0].evaluations()] == ["none"]
    assert sweep.runs[1].examples() is None
    page.render(review(sweep))


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
    for torn in ('{"name": "sm', "[]"):
        (small / "sweep.json").write_text(torn)
        sweep = runs.read(small)
        assert {run.id for run in sweep.runs} == names
        assert [(p.id, p.status) for p in sweep.others] == [("sweep.json", "torn")]
        assert (sweep.lost, sweep.name) == ([], "small")


# What was swept


@pytest.mark.parametrize(
    ("axes", "fixed", "varied", "labels"),
    [
        ([DECODERS[:2]], [], ["decoder"], ["decoder=transpose", "decoder=resize"]),
        (
            [("channels=[16,32]", "channels=[8]")],
            ["decoder=resize"],
            ["channels"],
            ["channels=[16,32]", "channels=[8]"],
        ),
        ([("encoder.kernel_size=3", "encoder.kernel_size=null")], ["encoder=strided"], ["encoder.kernel_size"], None),
        ([("data.num_workers=0", "data.num_workers=2")], [], [], ["encoder=maxpool, decoder=transpose"]),
        ([("model=conv", "model=linear")], [], ["model"], ["model=conv", "model=linear"]),
        ([("experiment=linear_vs_pca", "experiment=dense_code")], [], ["experiment"], None),
        ([("optimizer=adam", "optimizer=sgd")], [], ["optimizer"], None),
        (
            [("callbacks=default", "callbacks=early_stopping")],
            [],
            ["callbacks.early_stopping.monitor"],
            ["encoder=maxpool, decoder=transpose", "callbacks.early_stopping.monitor=val/loss"],
        ),
    ],
    ids=lambda value: None,
)
def test_what_was_swept_is_found_from_the_configurations(
    axes: list[tuple[str, ...]], fixed: list[str], varied: list[str], labels: list[str] | None, tmp_path: Path
) -> None:
    sweep = runs.read(make(tmp_path / "s", *axes, seeds=[0, 1], fixed=fixed))
    assert sweep.varied == varied
    found = sweep.configurations
    assert [c.label for c in found] == (labels or list(axes[0]))
    assert sum(len(c.runs) for c in found) == len(sweep.runs)


def test_values_below_a_choice_are_shown_where_they_differ_within_it(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    for overrides in (["decoder=resize"], ["decoder=transpose"], ["decoder=transpose", "decoder.kernel_size=4"]):
        make_run(folder, overrides, seed=0)
    sweep = runs.read(folder)
    assert sweep.varied == ["decoder", "decoder.kernel_size"]
    assert {c.label for c in sweep.configurations} == {
        "decoder=resize",
        "decoder=transpose, decoder.kernel_size=null",
        "decoder=transpose, decoder.kernel_size=4",
    }
    with pytest.raises(
        ConfigError, match=r"ambiguous: say reference=decoder=transpose,decoder.kernel_size=(null|4) or"
    ):
        comparison.paired(sweep, "decoder=transpose")
    assert set(comparison.paired(sweep, "decoder=resize")["reference"]) == {"decoder=resize"}
    named = comparison.paired(sweep, "decoder=transpose,decoder.kernel_size=4")
    assert set(named["label"]) == {"decoder=resize", "decoder=transpose, decoder.kernel_size=null"}


# Tables


def test_the_leaderboard_has_mean_interval_and_seeds(sweep: runs.Sweep) -> None:
    board = tables.leaderboard(sweep)
    assert len(board) == 6
    assert board["test/mse"].is_monotonic_increasing
    assert tables.leaderboard(sweep, "test/psnr")["test/psnr"].is_monotonic_decreasing
    row = board.iloc[0]
    values = [run.metrics["test/mse"] for run in sweep.runs if run.id in row["ids"]]
    assert row["test/mse values"] == values
    assert row["seeds"] == list(range(6)) == list(range(row["n"]))
    assert row["test/mse"] == pytest.approx(np.mean(values))
    assert row["test/mse ±"] == pytest.approx(2.5706 * np.std(values, ddof=1) / math.sqrt(6), rel=1e-4)
    assert {"encoder", "decoder", "cost/num_params", "ratio/pool_nearest", "floor/pca", "real/phase_bias_2"} <= set(
        board
    )
    assert board["init/shift_consistency_4"].isna().all()  # not finite: it is not averaged away
    with pytest.raises(ConfigError, match=r"metric=flops was not measured in these runs; there are .* and \d+ more$"):
        tables.leaderboard(sweep, "flops")
    with pytest.raises(ConfigError, match=r"metric=test/mes was not measured in these runs: did you mean test/mse\?"):
        tables.leaderboard(sweep, "test/mes")


def test_one_seed_has_no_interval_and_widths_are_shown_where_they_differ(small: Path) -> None:
    _, two, *rest = jobs(small)
    for job in rest:
        change(job, channels=[12, 24])
    shutil.rmtree(two)
    board = tables.leaderboard(runs.read(small)).set_index("label")
    assert math.isnan(board.loc["decoder=transpose", "test/mse ±"])
    assert board["channels"].to_dict() == {"decoder=transpose": "[16,32]", "decoder=resize": "[12,24]"}


def test_pairs_are_within_configurations_that_are_equal_but_for_the_reference(sweep: runs.Sweep) -> None:
    table = comparison.paired(sweep, "decoder=resize").set_index("label")
    assert len(table) == 4
    for encoder in ("maxpool", "strided"):
        for decoder in ("transpose", "subpixel"):
            row = table.loc[f"encoder={encoder}, decoder={decoder}"]
            assert row["reference"] == f"encoder={encoder}, decoder=resize"
            mse = {
                (run.choices["decoder"], run.seed): run.metrics["test/mse"]
                for run in sweep.runs
                if run.choices["encoder"] == encoder
            }
            differences = [mse[decoder, seed] - mse["resize", seed] for seed in range(6)]
            assert row["differences"] == pytest.approx(differences)
            assert row["difference"] == pytest.approx(np.mean(differences))
            assert row["reference mean"] == pytest.approx(np.mean([mse["resize", seed] for seed in range(6)]))
            assert row["relative"] == pytest.approx(row["difference"] / row["reference mean"])
            assert (row["pairs"], row["smallest_p"]) == (6, 2**-5)
    assert math.isnan(comparison.paired(sweep, "decoder=resize", "test/psnr")["relative"].iloc[0])  # decibels
    first = comparison.paired(sweep)  # every other one against the first that ran
    assert len(first) == 5
    assert set(first["reference"]) == {"encoder=maxpool, decoder=transpose"}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("decoder=resise", r"decoder=resise is not among what was swept: did you mean decoder=resize"),
        ("decodr=resize", r": did you mean decoder=resize"),
        ("resize", r": did you mean decoder=resize"),
        (
            "latent=dense",
            r"; there are encoder=maxpool, encoder=strided, decoder=transpose, decoder=resize, decoder=sub",
        ),
        (
            "decoder=resize,encoder=avgpool",
            r"encoder=avgpool is not among what was swept: did you mean encoder=maxpool",
        ),
    ],
)
def test_a_reference_that_was_not_swept_is_refused_with_what_was(sweep: runs.Sweep, wrong: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        comparison.paired(sweep, wrong)


def test_tasks_are_not_compared_unless_asked_for(tmp_path: Path) -> None:
    axes = ("corruption.std=0.1", "corruption.std=0.2"), DECODERS[:2]
    sweep = runs.read(make(tmp_path / "s", *axes, seeds=[0], fixed=["model=denoising"]))
    of_first = comparison.paired(sweep)
    assert of_first["label"].tolist() == [f"decoder=resize, corruption.std=0.{i}" for i in (1, 2)]
    assert of_first["reference"].tolist() == [f"decoder=transpose, corruption.std=0.{i}" for i in (1, 2)]
    asked = comparison.paired(sweep, "corruption.std=0.1")
    assert asked["label"].tolist() == [f"decoder={decoder}, corruption.std=0.2" for decoder in ("transpose", "resize")]


def test_a_preset_with_another_task_has_no_pair(tmp_path: Path) -> None:
    sweep = runs.read(make(tmp_path / "s", ("model=conv", "model=denoising"), seeds=[0]))
    (row,) = comparison.paired(sweep).to_dict("records")
    assert (row["pairs"], row["verdict"][:7]) == (0, "no pair")


def test_only_the_same_seeds_on_the_same_images_are_pairs(small: Path) -> None:
    fourth = jobs(small)[3]
    assert comparison.paired(runs.read(small))["seeds"].tolist() == [[0, 1]]
    change(fourth, data={"fingerprint": "0ther000"})
    assert comparison.paired(runs.read(small))["seeds"].tolist() == [[0]]
    shutil.rmtree(jobs(small)[0])
    table = comparison.paired(runs.read(small), "decoder=transpose")
    assert table["seeds"].tolist() == [[]]
    assert table["verdict"].iloc[0].startswith("no pair")
    assert math.isnan(table["p"].iloc[0])


@pytest.mark.parametrize(
    ("pairs", "difference", "p_holm", "comparisons", "metric", "says"),
    [
        (5, -1.0, 0.0625, 1, "test/mse", "not enough seeds to claim"),
        (6, -1.0, 0.03125, 1, "test/mse", "better"),
        (6, 1.0, 0.03125, 1, "test/mse", "worse"),
        (6, 1.0, 0.03125, 1, "test/psnr", "better"),
        (6, -1.0, 0.0625, 2, "test/mse", "not enough seeds (2 comparisons)"),
        (8, -1.0, 0.2, 6, "test/mse", "no difference shown"),
        (8, -1.0, 0.2, 7, "test/mse", "not enough seeds (7 comparisons)"),
        (8, math.nan, math.nan, 1, "test/mse", "not finite: nothing to compare"),
    ],
)
def test_the_verdict(pairs: int, difference: float, p_holm: float, comparisons: int, metric: str, says: str) -> None:
    assert comparison.verdict(pairs, difference, p_holm, comparisons, metric) == says


def test_the_truth_behind_a_made_up_sweep_is_found(tmp_path: Path) -> None:
    """subpixel is made 3 % better and resize 6 % worse than transpose, under seeds that spread by 5 %."""
    sweep = runs.read(make(tmp_path / "s", DECODERS, seeds=range(8), noise=0.005))
    table = comparison.paired(sweep, "decoder=transpose").set_index("label")
    assert table["verdict"].to_dict() == {"decoder=resize": "worse", "decoder=subpixel": "better"}
    assert table["relative"].to_dict() == pytest.approx({"decoder=resize": 0.06, "decoder=subpixel": -0.03}, abs=0.01)
    assert table["p_holm"].tolist() == [2 / 128, 2 / 128]


def test_the_front_and_the_heat_map(sweep: runs.Sweep) -> None:
    board = pd.DataFrame({"cost": [1, 2, 3, 3, 2, 1], "test/mse": [5, 3, 2, 2, 4, math.nan]})
    assert tables.pareto(board, "cost").tolist() == [True, True, True, True, False, False]
    board = pd.DataFrame({"images_per_second": [9, 5, 1], "test/psnr": [20, 25, 24]})
    assert tables.pareto(board, "images_per_second", "test/psnr").tolist() == [True, True, False]
    heat = tables.heatmap(sweep)
    assert heat is not None
    assert (list(heat.index), list(heat)) == (["maxpool", "strided"], ["transpose", "resize", "subpixel"])
    board = tables.leaderboard(sweep).set_index(["encoder", "decoder"])["test/mse"]
    assert all(heat.loc[encoder, decoder] == pytest.approx(board[encoder, decoder]) for encoder, decoder in board.index)


def test_the_heat_map_holds_all_else_at_one_value(tmp_path: Path) -> None:
    """Two kernel sizes of one decoder are not averaged, and a decoder without such a key keeps its place."""
    folder = tmp_path / "s"
    for encoder in ("maxpool", "strided"):
        for more in (["decoder=resize"], ["decoder=transpose"], ["decoder=transpose", "decoder.kernel_size=4"]):
            make_run(folder, [f"encoder={encoder}", *more], seed=0)
    sweep = runs.read(folder)
    heat = tables.heatmap(sweep)
    assert heat is not None
    key, held = heat.attrs["where"].split("=")
    assert key == "decoder.kernel_size"
    for run in sweep.runs:
        if run.choices["decoder"] == "resize" or value_of(run, key) == held:
            assert heat.loc[run.choices["encoder"], run.choices["decoder"]] == run.metrics["test/mse"]


def test_what_was_not_swept_has_no_heat_map(small: Path) -> None:
    assert tables.heatmap(runs.read(small)) is None


def test_where_the_numbers_come_from(sweep: runs.Sweep) -> None:
    facts = tables.provenance(sweep)
    assert facts["seeds"] == list(range(6))
    assert facts["versions"]["torch"] == ["2.14.1"]
    assert facts["data"] == {"mnist5k c0ffee00: 4,000 train, 500 val, 500 test": 36}
    assert facts["statuses"] == {"completed": 36}
    assert "seed=0,1,2,3,4,5" in facts["invocations"][0]["command"]


# The verb


def test_the_report_is_three_files_and_needs_no_torch(small: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code = (
        "import sys; from hourglass.report.command import command; "
        f"command([{str(small)!r}, 'reference=decoder=resize', {f'out={out}'!r}]); "
        "assert not {'torch', 'lightning', 'wandb'} & set(sys.modules)"
    )
    done = run_command("-c", code)
    assert done.returncode == 0, done.stderr
    assert "decoder=resize" in done.stdout.splitlines()[0]
    for name in ("report.html", "report.md", "results.csv"):
        assert str(out / name) in done.stdout
        assert (out / name).stat().st_size > 500
    results = pd.read_csv(out / "results.csv")
    sweep = runs.read(small)
    assert results["id"].tolist() == [run.id for run in sweep.runs]
    assert results["test/mse"].tolist() == pytest.approx([run.metrics["test/mse"] for run in sweep.runs], rel=1e-12)
    assert {"decoder", "seed", "status", "cost/num_params", "real/phase_bias_2", "folder"} <= set(results)
    assert "not enough seeds to claim" in (out / "report.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "name one folder, not 0"),
        (["a", "b"], "name one folder, not 2"),
        (["a", "referense=decoder=resize"], "report.py has no referense; it takes a folder and reference, metric, out"),
        (["a", "--fast"], "report.py has no --fast"),
        (["a", "metric=x", "metric=y"], "metric is given twice"),
        (["a", "metric="], "metric= has no value"),
    ],
)
def test_a_mistake_on_the_command_line(arguments: list[str], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        command.understood(arguments)


def test_the_command_line_is_understood() -> None:
    asked = command.understood(["metric=test/psnr", "logs/sweeps/a=b", "reference=decoder=resize,latent=dense"])
    assert asked == command.Request(
        Path("logs/sweeps/a=b"), Path("logs/sweeps/a=b"), "decoder=resize,latent=dense", "test/psnr"
    )


def test_a_missing_library_is_named_with_the_cure(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("hourglass.report.")]:
        if name != "hourglass.report.command":
            monkeypatch.delitem(sys.modules, name)
            monkeypatch.delattr(name, raising=False)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ConfigError, match=r"a report needs pandas: pip install -e '\.\[report\]'"):
        command.command([str(small)])


@pytest.mark.slow
def test_a_hundred_runs_are_read_and_tabulated_in_seconds(tmp_path: Path) -> None:
    widths = tuple(f"channels=[{width}]" for width in range(4, 17))
    folder = make(tmp_path / "many", widths, seeds=range(8))
    started = time.perf_counter()
    sweep = runs.read(folder)
    markdown.write(review(sweep))
    assert len(sweep.runs) == 104
    assert time.perf_counter() - started < 10


# examples.npz


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    folder = tmp_path_factory.mktemp("examples")
    config = configure("corruption=gaussian")
    data, model = build.data(config), autoencoder_for((1, 28, 28))
    data.setup()
    trainer = SimpleNamespace(
        is_global_zero=True, datamodule=data, default_root_dir=folder,
        precision_plugin=SimpleNamespace(forward_context=contextlib.nullcontext),
    )  # fmt: skip
    module = SimpleNamespace(device="cpu", autoencoder=model.eval())
    Examples(first=8, each=4).on_test_epoch_end(trainer, module)  # type: ignore[arg-type]
    batch = data.pick("test", range(500))
    with torch.no_grad():
        output = model(batch.input)
    return SimpleNamespace(folder=folder, arrays=dict(np.load(folder / "examples.npz")), batch=batch, output=output)


def test_the_examples_have_the_error_of_every_test_image(written: SimpleNamespace) -> None:
    assert sorted(path.name for path in written.folder.iterdir()) == ["examples.npz"]
    mse = written.arrays["mse"]
    assert (mse.dtype, mse.shape) == (np.float32, (500,))
    expected = (written.output - written.batch.target).square().flatten(1).mean(1)
    assert mse == pytest.approx(expected.numpy(), rel=1e-4)


def test_the_examples_are_the_first_the_worst_the_median_and_the_best(written: SimpleNamespace) -> None:
    index, ranks = written.arrays["index"], (-written.arrays["mse"]).argsort().argsort()
    assert index.dtype == np.int64
    assert index[:8].tolist() == list(range(8))
    assert ranks[index[8:]].tolist() == [0, 1, 2, 3, 248, 249, 250, 251, 496, 497, 498, 499]
    expected = {"input": written.batch.input, "target": written.batch.target, "output": written.output}
    for name, images in expected.items():
        pixels = written.arrays[name]
        assert (pixels.dtype, pixels.shape) == (np.uint8, (20, 1, 28, 28))
        assert np.abs(pixels - 255 * images[index].clamp(0, 1).numpy()).max() <= 0.5 + 1e-2
    assert not np.array_equal(written.arrays["input"], written.arrays["target"])  # it is corrupted


def test_few_images_give_few_examples() -> None:
    assert chosen(torch.tensor([1.0, 3.0, 2.0]), first=8, each=4).tolist() == [0, 1, 2, *[1, 2, 0] * 3]
