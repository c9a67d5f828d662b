"""Two runs side by side: what they were told differently, and what came of it."""

from pathlib import Path
from typing import Any

from hourglass.config.configuration import flat
from hourglass.config.identity import without_volatile
from hourglass.core.errors import DataError
from hourglass.core.text import as_option, as_typed, number, printable
from hourglass.runs.evaluation.codes.records import metrics_of
from hourglass.runs.read import read_configuration
from hourglass.sweeps.overview.find import Found, is_run
from hourglass.sweeps.overview.listing import table

METRICS = ("test/mse", "test/psnr", "test/ssim", "val/loss")
COSTS = (
    "num_params", "macs_per_image", "macs_fused_per_image", "code_size", "bits_per_pixel", "train_seconds",
    "images_per_second",
)  # fmt: skip
ABSENT = "–"


def comparison(first: Path, second: Path) -> str:
    """Raises DataError where one of them is no run folder, or cannot be read."""
    folders = (first, second)
    for folder in folders:
        if not is_run(folder):
            raise DataError(f"{folder} is no run folder: it has neither summary.json nor .hydra")
    runs = [Found(folder, None) for folder in folders]
    configurations = [flat(without_volatile(read_configuration(folder).plain)) for folder in folders]
    keys = list(dict.fromkeys(key for configuration in configurations for key in configuration))
    rows = []
    for key in keys:
        values = [_text(configuration, key) for configuration in configurations]
        if values[0] != values[1]:
            rows.append((key, *values))
    alike = [] if rows else ["configured alike"]
    results = [("status", *(run.status for run in runs))]
    results += [_numbers(name, *(run.summary.get("metrics", {}) for run in runs)) for name in METRICS]
    results += [_numbers(name, *(run.summary.get("cost", {}) for run in runs)) for name in COSTS]
    worth = [metrics_of(folder) for folder in folders]
    results += [_numbers(name, *worth) for name in dict.fromkeys(name for one in worth for name in one)]
    head = ("", *(str(as_typed(folder)) for folder in folders))
    return str(printable("\n".join([table(rows + results, head), *alike])))


def _text(configuration: dict[str, Any], key: str) -> str:
    return as_option(configuration[key]) if key in configuration else ABSENT


def _numbers(name: str, *values: dict[str, Any]) -> tuple[str, ...]:
    return (name, *(number(one.get(name)) for one in values))
