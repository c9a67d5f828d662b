"""Networks trained earlier: what their run folders hold of it, the pictures of their test images."""

import re
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from hourglass.config.parts import Parts
from hourglass.core.errors import ConfigError, DataError
from hourglass.core.files import inside
from hourglass.core.text import first_line, printable
from hourglass.data import pictures
from hourglass.report.show.now import note
from hourglass.report.show.options import Options
from hourglass.report.show.story import Look, Row, Story
from hourglass.runs.evaluation.select import NEEDED, runs_of
from hourglass.runs.read import read_configuration, read_summary

MOST, LARGEST = 8, 20_000_000
"""Runs that are shown, and bytes of a picture that is read"""
NAME = re.compile(r"reconstructions_epoch(\d{4,9})\.png")


def read_runs(options: Options) -> Story:
    """One run of each combination of options that the runs of a folder differ in, the first by name.

    Raises DataError where no run holds pictures, or they are of different images.
    """
    assert options.runs is not None
    runs, _ = runs_of(Path(options.runs).expanduser())
    summaries = {run: read_summary(run, NEEDED) or {} for run in runs}
    if options.decoders is not None:
        summaries = {r: s for r, s in summaries.items() if s["choices"].get("decoder") in options.decoders}
        if not summaries:
            raise ConfigError(f"decoders={','.join(options.decoders)}: no completed run in {options.runs} has these")
    choices = [summary["choices"] for summary in summaries.values()]
    varied = [key for key in choices[0] if len({str(choice.get(key)) for choice in choices}) > 1] or ["decoder"]
    named: dict[str, Path] = {}
    for run, summary in summaries.items():
        named.setdefault(", ".join(str(summary["choices"].get(key)) for key in varied), run)
    if len(named) > MOST:
        print(f"shown are {MOST} of {len(named)}; left out: {printable(', '.join(list(named)[MOST:]))}")
    rows: list[Row] = []
    target = None
    for name, run in list(named.items())[:MOST]:
        row, its = _row(str(printable(name)), run, summaries[run], options)
        if target is not None and not torch.equal(its, target):
            raise DataError(f"{run} drew other test images than {rows[0].name}: show runs of one data set at a time")
        rows, target = [*rows, row], its
    assert target is not None
    first = {str(printable(key)): str(printable(value)) for key, value in choices[0].items()}
    shape = "×".join(map(str, target.shape))
    how = "" if "encoder" in varied or "encoder" not in first else f"encoder {first['encoder']}, "
    what = f"Test image {options.image} of {first.get('data', 'the data')}, {shape}"
    return Story(target, what, f"{how}{'untrained' if options.untrained else 'as their runs drew them'}", "epoch", rows)


def _row(name: str, run: Path, summary: dict[str, Any], options: Options) -> tuple[Row, Tensor]:
    """What the folder of a run holds of a test image, and the image."""
    channels, *size = Parts(read_configuration(run, options.trust)).data.image_shape
    looks, target = [], torch.empty(0)
    for path in sorted((run / "images").glob("reconstructions_epoch*.png")):
        epoch = NAME.fullmatch(path.name)
        if epoch and (int(epoch[1]) == 0 or not options.untrained):
            grid = _read_grid(path, run, (size[0], size[1]))
            if int(options.image) >= len(grid["input"]):
                raise ConfigError(f"image={options.image}: {run} drew its test images 0 to {len(grid['input']) - 1}")
            shown = 3 if channels == 3 else 1
            target = grid["input"][int(options.image), :shown]
            looks.append(Look(int(epoch[1]), grid["reconstruction"][int(options.image), :shown]))
    if not looks or looks[0].time > 0:
        raise DataError(f"{run}/images holds no picture of it untrained: it is drawn as training begins")
    cost, metrics = summary.get("cost", {}), summary.get("metrics", {})
    strides = sorted(int(stride) for key in metrics if (stride := key.removeprefix("test/phase_bias_")).isdecimal())
    return Row(name, note(cost.get("num_params", 0), cost.get("index_bits", 0)), tuple(strides), looks), target


def _read_grid(path: Path, run: Path, size: tuple[int, int]) -> dict[str, Tensor]:
    labels = list(pictures.comparison(*torch.zeros(3, 1, 1, 1, 1)))
    try:
        with Image.open(inside(path, run, largest=LARGEST), formats=["PNG"]) as image:
            return pictures.from_grid(image, labels, size)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:  # PNG's parser: SyntaxError
        raise DataError(f"{path} cannot be shown: {first_line(error)}") from error
