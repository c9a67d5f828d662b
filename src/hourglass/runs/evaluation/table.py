"""What was evaluated, as a table."""

import math
from pathlib import Path

from hourglass.core.text import command, number
from hourglass.runs.evaluation.records import Record, descriptions
from hourglass.runs.evaluation.request import IWAE, PROBE
from hourglass.runs.read import names_of, read_sweep


def table(records: dict[Path, list[Record]]) -> str:
    """One evaluation: a line for each run. Several: a line for each, the mean over the runs that have it."""
    every = [record for of_run in records.values() for record in of_run]
    several = max(len(of_run) for of_run in records.values()) > 1
    names = descriptions(every)
    labels = {} if several or len(records) == 1 else _labels(list(records))
    lines: dict[str, list[Record]] = {}
    for run, of_run in records.items():
        for record in of_run:
            name = names[record["id"]]
            lines.setdefault(f"{labels[run]}  {name}" if labels else name, []).append(record)
    width = max(len(name) for name in lines)
    rows = [f"\n{'':<{width}}  {'MSE':>8}  {'PSNR dB':>7}  {'gain dB':>7}  {'SSIM':>6}"]
    more = _asked_for(every)
    rows[0] += "".join(f"  {_short(name):>10}" for name in more)
    for name, of_line in lines.items():
        mse, psnr, gain, ssim = (_mean(of_line, f"test/{m}") for m in ("mse", "psnr", "psnr_gain", "ssim"))
        rows.append(f"{name:<{width}}  {mse:>8.5f}  {psnr:>7.2f}  {gain:>+7.2f}  {ssim:>6.4f}".replace("+nan", "   –"))
        rows[-1] += "".join(f"  {number(_mean(of_line, name)):>{max(10, len(_short(name)))}}" for name in more)
    runs = list(records)
    if several and len(runs) > 1:
        counts = sorted({len(of_line) for of_line in lines.values()})
        rows.append(f"means of {' to '.join(map(str, dict.fromkeys((counts[0], counts[-1]))))} runs")
    if len(runs) > 1:
        rows.append(f"{command('report')} {runs[0].parent} compares them")
    rows.append(f"written to {runs[0] if len(runs) == 1 else runs[0].parent / '*'}/evaluations/*.json\n")
    return "\n".join(rows)


def _short(name: str) -> str:
    """`logistic`, `/ affine`"""
    group, _, what = name.partition("/")
    return f"/ {what}" if group == "ratio" else what


def _asked_for(records: list[Record]) -> list[str]:
    """The names of bounds, with that of the ELBO, of what was read off codes, and of the ratios to linear denoisers."""
    names = dict.fromkeys(name for record in records for name in record["metrics"])
    bounds = [name for name in names if name.startswith(IWAE)]
    probes = [name for name in names if name.startswith(PROBE) and not name.endswith(("_pixels", "_pca", "/chance"))]
    probes += [name for name in ("ratio/affine", "ratio/wiener_curve") if name in names]
    return [*(["test/elbo"] if bounds else []), *bounds, *probes]


def _labels(runs: list[Path]) -> dict[Path, str]:
    """The names of their folders, in a sweep with what sets each apart."""
    jobs = read_sweep(runs[0].parent)["jobs"]
    apart = names_of(jobs, jobs)
    return {run: run.name if (more := apart.get(run.name, "-")) == "-" else f"{run.name}  {more}" for run in runs}


def _mean(records: list[Record], metric: str) -> float:
    """NaN where a record does not have it."""
    values = [record["metrics"].get(metric) for record in records]
    return math.nan if None in values else math.fsum(values) / len(values)
