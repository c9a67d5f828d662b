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

from hourglass.cli import commands
from hourglass.core import provenance
from hourglass.core.errors import DataError, HourglassError
from hourglass.core.files import replacing
from hourglass.runs import status as states
from hourglass.runs.evaluation.request import GROUPS, Evaluation, Request, config_of, evaluations, understood
from hourglass.sweeps import progress

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
            found |= {folder / job for job in jobs_of(folder / "sweep.json")}
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


def jobs_of(path: Path) -> list[str]:
    """The ids in a `sweep.json`."""
    try:
        return list(json.loads(path.read_text())["jobs"])
    except (json.JSONDecodeError, KeyError, TypeError) as torn:
        raise DataError(f"{path} is not whole ({torn!r}): delete it, and the runs beside it are evaluated") from torn


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
        from hourglass.runs.evaluation.measure import measure

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


def labels_of(runs: list[Path]) -> dict[Path, str]:
    """The names of their folders, in a sweep with what sets each apart."""
    apart = progress.of_this_command(runs[0].parent)
    return {run: run.name if (more := apart.get(run.name, "-")) == "-" else f"{run.name}  {more}" for run in runs}


def table(records: dict[Path, list[Record]]) -> str:
    """One evaluation: a line for each run. Several: a line for each, the mean over the runs that have it."""
    every = [record for of_run in records.values() for record in of_run]
    several = max(len(of_run) for of_run in records.values()) > 1
    names = described(every)
    labels = {} if several or len(records) == 1 else labels_of(list(records))
    lines: dict[str, list[Record]] = {}
    for run, of_run in records.items():
        for record in of_run:
            name = names[record["id"]]
            lines.setdefault(f"{labels[run]}  {name}" if labels else name, []).append(record)
    width = max(len(name) for name in lines)
    shown = [f"\n{'':<{width}}  {'MSE':>8}  {'PSNR dB':>7}  {'gain dB':>7}  {'SSIM':>6}"]
    for name, of_line in lines.items():
        mse, psnr, gain, ssim = (mean(of_line, f"test/{m}") for m in ("mse", "psnr", "psnr_gain", "ssim"))
        shown.append(f"{name:<{width}}  {mse:>8.5f}  {psnr:>7.2f}  {gain:>+7.2f}  {ssim:>6.4f}".replace("+nan", "   –"))
    runs = list(records)
    if several and len(runs) > 1:
        counts = sorted({len(of_line) for of_line in lines.values()})
        shown.append(f"means of {' to '.join(map(str, dict.fromkeys((counts[0], counts[-1]))))} runs")
    if len(runs) > 1:
        shown.append(f"python report.py {runs[0].parent} compares them")
    shown.append(f"written to {runs[0] if len(runs) == 1 else runs[0].parent / '*'}/evaluations/*.json\n")
    return "\n".join(shown)


def described(records: list[Record]) -> dict[str, str]:
    """Evaluation id -> `mnist5k, gaussian 0.5`, with more where that means several: no two have the same words."""
    apart = variants(records)
    words: dict[str, dict[str, None]] = {}  # words -> ids
    for record in records:
        level = f" {record['corruption']['level']:g}" if record["corruption"]["level"] else ""
        more = f", {apart[record['id']]}" if apart[record["id"]] else ""
        words.setdefault(f"{record['data']}, {record['corruption']['kind']}{level}{more}", {})[record["id"]] = None
    return {one: f"{text} ({one})" if len(ids) > 1 else text for text, ids in words.items() for one in ids}


def variants(records: list[Record]) -> dict[str, str]:
    """Evaluation id -> what sets it apart from others of its kind on its data, beside the level: `clip=true`; or ""."""
    together: dict[tuple[str, str], dict[str, dict[str, str]]] = {}  # (kind, data) -> id -> settings
    for record in records:
        of_kind = together.setdefault((record["corruption"]["kind"], record["data"]), {})
        of_kind.setdefault(record["id"], settings(record))
    found = {}
    for of_kind in together.values():
        keys = dict.fromkeys(key for known in of_kind.values() for key in known)
        differing = [key for key in keys if len({known.get(key) for known in of_kind.values()}) > 1]
        for one, known in of_kind.items():
            found[one] = ", ".join(f"{key}={known[key]}" if key in known else f"own {key}" for key in differing)
    return found


def settings(record: Record) -> dict[str, str]:
    """Beside kind and level: the other values of the corruption, and what was asked of seed and data."""
    values = {key: value for key, value in record["corruption"].items() if key not in ("kind", "level")}
    level = next((key for key, value in values.items() if value == record["corruption"]["level"]), None)
    asked = (one.partition("=") for one in record.get("overrides", []))
    return {key: json.dumps(value) for key, value in values.items() if key != level} | {
        key: value for key, _, value in asked if key == "seed" or key.startswith("data.")
    }


def mean(records: list[Record], metric: str) -> float:
    """NaN where a record does not have it."""
    values = [record["metrics"].get(metric) for record in records]
    return math.nan if None in values else math.fsum(values) / len(values)
