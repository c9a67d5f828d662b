"""`evaluations/<id>.json` in a run folder: one evaluation, and how several are told apart."""

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hourglass.core.errors import Torn
from hourglass.core.files import inside, within, write_json
from hourglass.core.formats import Evaluation, read_form

Record = dict[str, Any]
"""One `evaluations/<id>.json`."""


def weights_of(run: Path) -> str:
    """8 hexadecimal digits of the SHA-256 of a run's best weights: what an evaluation was made with."""
    with inside(run / "checkpoints" / "best.ckpt", run).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:8]


def path_of(run: Path, identity: str) -> Path:
    return run / "evaluations" / f"{identity}.json"


def known(run: Path, identity: str, weights: str) -> Record | None:
    """The record that is there already; None where there is none, or one of other weights."""
    try:
        record = read(run, path_of(run, identity))
    except FileNotFoundError:
        return None
    return record if record.get("weights") == weights else None


def read(run: Path, path: Path) -> Record:
    """One record of a run. Raises FileNotFoundError where it is missing, Torn where it is not whole or of another."""
    record = read_form(path, run, Evaluation, cure=": delete it, and it is made again")
    if record["id"] != path.stem:
        raise Torn(f"{path} is evaluation {record['id']}: it was renamed, delete it")
    return record


def storable(metrics: Mapping[str, float | None]) -> dict[str, float | None]:
    """As JSON has them: null where a number is not finite."""
    return {name: value if math.isfinite(value or 0) else None for name, value in metrics.items()}


def write(run: Path, record: Record) -> Record:
    """Keep a record, and return it as it is kept: metrics that are not finite are null, as JSON wants."""
    path = path_of(run, record["id"])
    within(path.parent, run).mkdir(exist_ok=True)
    kept = record | {"metrics": storable(record["metrics"])}
    write_json(path, kept)
    return kept


def variants(records: list[Record]) -> dict[str, str]:
    """Evaluation id -> what sets it apart from others of its kind on its data, beside the level: `clip=true`; or ""."""
    together: dict[tuple[str, str], dict[str, dict[str, str]]] = {}  # (kind, data) -> id -> settings
    for record in records:
        of_kind = together.setdefault((record["corruption"]["kind"], record["data"]), {})
        of_kind.setdefault(record["id"], _settings(record))
    apart = {}
    for of_kind in together.values():
        keys = dict.fromkeys(key for settings in of_kind.values() for key in settings)
        differing = [key for key in keys if len({settings.get(key) for settings in of_kind.values()}) > 1]
        for one, settings in of_kind.items():
            apart[one] = ", ".join(f"{key}={settings[key]}" if key in settings else f"own {key}" for key in differing)
    return apart


def descriptions(records: list[Record]) -> dict[str, str]:
    """Evaluation id -> `mnist5k, gaussian 0.5`, with more where that means several: no two have the same words."""
    apart = variants(records)
    words: dict[str, dict[str, None]] = {}  # words -> ids
    for record in records:
        level = f" {record['corruption']['level']:g}" if record["corruption"]["level"] else ""
        more = f", {apart[record['id']]}" if apart[record["id"]] else ""
        words.setdefault(f"{record['data']}, {record['corruption']['kind']}{level}{more}", {})[record["id"]] = None
    return {one: f"{text} ({one})" if len(ids) > 1 else text for text, ids in words.items() for one in ids}


def _settings(record: Record) -> dict[str, str]:
    """Beside kind and level: the other values of the corruption, and what was given for seed and data."""
    values = {key: value for key, value in record["corruption"].items() if key not in ("kind", "level")}
    level = next((key for key, value in values.items() if value == record["corruption"]["level"]), None)
    given = (one.partition("=") for one in record.get("overrides", []))
    return {key: json.dumps(value) for key, value in values.items() if key != level} | {
        key: value for key, _, value in given if key == "seed" or key.startswith("data.")
    }
