"""`codes/<name>.json` in a run folder: what its codes are worth, as `probe` and `sample` measured it."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from hourglass.core import provenance
from hourglass.core.errors import Torn
from hourglass.core.files import within, write_json
from hourglass.core.formats import Worth, read_form
from hourglass.runs.evaluation.records import Record, storable, weights_of

FOLDER = "codes"
GROUPS = ("probe/", "sample/")
"""How the names of these metrics begin."""


def read(run: Path, path: Path) -> Record:
    """One record of a run. Raises FileNotFoundError where it is missing, Torn where it is not whole."""
    record = read_form(path, run, Worth, cure=": delete it, and it is made again")
    if other := [name for name in record["metrics"] if not name.startswith(GROUPS)]:
        raise Torn(f"{path} holds {other[0]}, which is nothing that a code is worth: delete it")
    return record


def metrics_of(run: Path) -> dict[str, float | None]:
    """All that is known of the codes of a run, with the weights that are there now; {} where nothing is.

    Raises Torn as `read`.
    """
    paths = sorted(run.glob(f"{FOLDER}/*.json"))
    records = [read(run, path) for path in paths]
    weights = weights_of(run) if records else ""
    return {name: value for one in records if one["weights"] == weights for name, value in one["metrics"].items()}


def write(
    run: Path, name: str, identity: str, metrics: Mapping[str, float], options: Mapping[str, Any], fingerprint: str
) -> None:
    """Keep what was measured. `identity`: of the run;
    `fingerprint`: of the images."""
    path = within(run / FOLDER / f"{name}.json", run)
    path.parent.mkdir(exist_ok=True)
    record = {
        "run": identity,
        "weights": weights_of(run),
        "data_fingerprint": fingerprint,
        "metrics": storable(metrics),
        "options": dict(options),
        "time": datetime.now().astimezone().isoformat(timespec="seconds"),
        "versions": provenance.versions(["sklearn"]),
    }
    write_json(path, record)
