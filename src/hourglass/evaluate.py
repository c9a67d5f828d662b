"""`python evaluate.py`: trained runs under other corruption, levels or data. No torch until something is measured.

Every evaluation becomes `evaluations/<id>.json` in its run folder. The id is a hash of what was evaluated, alike in all
runs, so that it groups them; what is there already, of the same weights, is not measured again.
"""

import hashlib
import json
import math
from datetime import datetime
from pathlib import Path
from typing import Any

from hourglass import commands, provenance, states
from hourglass.errors import DataError, HourglassError
from hourglass.evaluation import GROUPS, Evaluation, Request, config_of, evaluations, understood
from hourglass.files import replacing

Record = dict[str, Any]
"""One `evaluations/<id>.json`."""


def command(arguments: list[str]) -> None:
    """The task of `evaluate.py`; raises DataError at its end where a completed run could not be evaluated."""
    if not arguments or set(arguments) & {"-h", "--help"}:
        print((commands.CONF / "evaluate.yaml").read_text().rstrip())
        for group in GROUPS:
            print(f"# {group}: {', '.join(sorted(path.stem for path in (commands.CONF / group).glob('*.yaml')))}")
        return
    asked = understood(arguments)
    runs, left_out = runs_of(asked.folder)
    records: dict[Path, list[Record]] = {}
    failed: dict[str, list[str]] = {}
    for run in runs:
        try:
            records[run] = evaluate(run, asked)
        except HourglassError as error:
            failed.setdefault(str(error), []).append(str(run))
    for name, why in left_out.items():
        print(f"left out: {name}, {why}")
    if records:
        print(table(records))
    if failed:
        raise DataError("; ".join(f"{', '.join(those)} could not be evaluated: {why}" for why, those in failed.items()))


def runs_of(folder: Path) -> tuple[list[Path], dict[str, str]]:
    """The completed runs of a run folder or of a folder of runs, and why the others are left out, by name."""
    if (folder / "summary.json").exists() or (folder / ".hydra").exists():
        found = {folder}
    else:
        found = {path.parent for pattern in ("*/summary.json", "*/.hydra") for path in folder.glob(pattern)}
        if (folder / "sweep.json").exists():
            found |= {folder / job for job in json.loads((folder / "sweep.json").read_text())["jobs"]}
    if not found:
        raise DataError(f"{folder} is no run folder and holds none: a run has a summary.json, logs/runs has yours")
    runs, left_out = [], {}
    for run in sorted(found):
        try:
            status = states.status_of(run)
            error = (states.read_summary(run) or {}).get("error")
        except json.JSONDecodeError as torn:
            status, error = "torn", f"summary.json is not whole: {torn}"
        if status == "completed":
            runs.append(run)
        else:
            left_out[run.name] = f"{status}: {error}" if error else status
    if not runs:
        reasons = "; ".join(f"{name}, {why}" for name, why in left_out.items())
        raise DataError(
            f"{folder} has no completed run to evaluate ({reasons}): the command that began it continues it"
        )
    return runs, left_out


def evaluate(run: Path, asked: Request) -> list[Record]:
    """What is known of a run and what is measured now, in the order asked for."""
    summary = states.read_summary(run)
    assert summary is not None, "it says that it is completed"
    best = run / "checkpoints" / "best.ckpt"
    if not best.exists():
        raise DataError(f"{best} does not exist: without its weights a run cannot be evaluated")
    weights = hashlib.sha256(best.read_bytes()).hexdigest()[:8]
    wanted = evaluations(config_of(run), summary["choices"], asked)
    records = {one.id: record for one in wanted if (record := known(run, one, weights)) is not None}
    missing = [one for one in wanted if one.id not in records]
    if missing:
        from hourglass.measure import measure  # torch and lightning: only now

        for one, (metrics, fingerprint) in zip(missing, measure(run, missing, asked.accelerator), strict=True):
            records[one.id] = {
                "id": one.id,
                "run": summary["id"],
                "corruption": one.corruption,
                "data": one.data,
                "data_fingerprint": fingerprint,
                "metrics": {name: value if math.isfinite(value) else None for name, value in metrics.items()},
                "seed": int(one.config.data.seed),
                "weights": weights,
                "overrides": asked.overrides,
                "time": datetime.now().astimezone().isoformat(timespec="seconds"),
                "versions": provenance.versions(),
            }
            write(path_of(run, one), records[one.id])
    there = len(wanted) - len(missing)
    print(f"{run}: {len(missing)} evaluated" + (f", {there} found in {run / 'evaluations'}" if there else ""))
    return [records[one.id] for one in wanted]


def path_of(run: Path, evaluation: Evaluation) -> Path:
    return run / "evaluations" / f"{evaluation.id}.json"


def known(run: Path, evaluation: Evaluation, weights: str) -> Record | None:
    """The record that is there already; None where there is none, or one of other weights."""
    path = path_of(run, evaluation)
    if not path.exists():
        return None
    try:
        record = json.loads(path.read_text())
    except json.JSONDecodeError as torn:
        raise DataError(f"{path} is not whole ({torn}): delete it, and it is made again") from torn
    return record if record["weights"] == weights else None


def write(path: Path, record: Record) -> None:
    path.parent.mkdir(exist_ok=True)
    with replacing(path, shared=True) as partial:
        partial.write_text(json.dumps(record, indent=2, allow_nan=False) + "\n")


def table(records: dict[Path, list[Record]]) -> str:
    """One evaluation: a line for each run. Several: a line for each, the mean over the runs that have it."""
    lines: dict[str, list[Record]] = {}
    several = max(len(of_run) for of_run in records.values()) > 1
    for run, of_run in records.items():
        for record in of_run:
            name = described(record) if several or len(records) == 1 else f"{run.name}  {described(record)}"
            lines.setdefault(name, []).append(record)
    width = max(len(name) for name in lines)
    shown = [f"\n{'':<{width}}  {'MSE':>8}  {'PSNR dB':>7}  {'gain dB':>7}  {'SSIM':>6}"]
    for name, of_line in lines.items():
        mse, psnr, gain, ssim = (mean(of_line, f"test/{m}") for m in ("mse", "psnr", "psnr_gain", "ssim"))
        shown.append(f"{name:<{width}}  {mse:>8.5f}  {psnr:>7.2f}  {gain:>+7.2f}  {ssim:>6.4f}".replace("+nan", "   –"))
    runs = list(records)
    if several and len(runs) > 1:
        shown.append(f"means of {len(runs)} runs")
    shown.append(f"written to {runs[0] if len(runs) == 1 else runs[0].parent / '*'}/evaluations/*.json\n")
    return "\n".join(shown)


def described(record: Record) -> str:
    kind, level = record["corruption"]["kind"], record["corruption"]["level"]
    return f"{record['data']}, {kind}" + (f" {level:g}" if level else "")


def mean(records: list[Record], metric: str) -> float:
    """NaN where a record does not have it."""
    values = [record["metrics"].get(metric) for record in records]
    return math.nan if None in values else math.fsum(values) / len(values)
