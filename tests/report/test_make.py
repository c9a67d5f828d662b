"""From the command line to the files of a report."""

import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers import sweep_folders
from helpers.project import run_command
from hourglass.cli.report import main
from hourglass.core.errors import ConfigError
from hourglass.report import markdown
from hourglass.report.analysis.review import review
from hourglass.report.reading import runs
from hourglass.report.request import Request, parse


def test_the_report_is_three_files_and_needs_no_torch(small: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code = (
        "import sys; from hourglass.cli.report import main; "
        f"main([{str(small)!r}, 'reference=decoder=resize', {f'out={out}'!r}]); "
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
        ([], "name a folder: "),
        (["a", "b", "./a"], "a is given twice: give it once"),
        (["a", "referense=decoder=resize"], "report.py has no referense; it takes a folder and reference, metric, equ"),
        (["a", "--fast"], "report.py has no --fast"),
        (["a", "metric=x", "metric=y"], "metric is given twice"),
        (["a", "metric="], "metric= has no value"),
    ],
)
def test_a_mistake_on_the_command_line(arguments: list[str], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        parse(arguments)


def test_the_command_line_is_parsed() -> None:
    folder = Path("logs/sweeps/a=b")
    request = parse(["metric=test/psnr", str(folder), "reference=decoder=resize,latent=dense"])
    assert request == Request(folder, folder, "decoder=resize,latent=dense", "test/psnr")
    several = parse(["logs/sweeps/a", "logs/runs/b"])
    assert several == Request(Path("logs/sweeps/a"), Path("logs/reports/a+b"), more=(Path("logs/runs/b"),))
    assert parse(["a", "b", "out=c"]).out == Path("c")


def test_a_missing_library_is_named_with_the_cure(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("hourglass.report.")]:
        monkeypatch.delitem(sys.modules, name)
        monkeypatch.delattr(name, raising=False)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ConfigError, match=r"a report needs pandas: pip install 'hourglass\[report\]'"):
        main([str(small)])


@pytest.mark.slow
def test_a_hundred_runs_are_read_and_tabulated_in_seconds(tmp_path: Path) -> None:
    widths = tuple(f"channels=[{width}]" for width in range(4, 17))
    folder = sweep_folders.make(tmp_path / "many", widths, seeds=range(8))
    started = time.perf_counter()
    sweep = runs.read(folder)
    markdown.write(review(sweep))
    assert len(sweep.runs) == 104
    assert time.perf_counter() - started < 10


@pytest.mark.slow
def test_a_hundred_runs_fit_in_10_megabytes_and_20_seconds(tmp_path: Path) -> None:
    """The worst case, a configuration a run; without torch."""
    rates = [f"optimizer.lr={rate:.4f}" for rate in np.linspace(0.001, 0.009, 25)]
    decoders = [f"decoder={name}" for name in ("transpose", "resize", "subpixel", "bilinear")]
    folder = sweep_folders.make(tmp_path / "hundred", decoders, rates, seeds=[0])
    code = "import sys; from hourglass.cli.report import main; main(sys.argv[1:]); print('torch' in sys.modules)"
    start = time.perf_counter()
    done = run_command("-c", code, str(folder))
    assert time.perf_counter() - start < 20
    assert done.stdout.endswith("False\n"), done.stderr
    assert (folder / "report.html").stat().st_size < 10e6
    assert ".c10{--c:#3b7dd8;--edge:dashed;--fill:none}" in (folder / "report.html").read_text()
    assert len(runs.read(folder).runs) == 100
