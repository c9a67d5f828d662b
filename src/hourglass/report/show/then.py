"""Networks trained earlier: what their run folders hold of it, the pictures of their test images."""

import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hourglass.core.errors import ConfigError, DataError
from hourglass.core.files import expanded
from hourglass.core.text import first_line, printable
from hourglass.report.page.images import Pixels, reconstructed
from hourglass.report.reading.files import check_examples
from hourglass.report.show.now import note
from hourglass.report.show.options import Options
from hourglass.report.show.story import Look, Row, Story
from hourglass.runs.evaluation.select import NEEDED, runs_of
from hourglass.runs.read import read_summary

MOST = 8
"""Runs that are shown"""
NAME = re.compile(r"reconstructions_epoch(\d{4,9})\.png")


def read_runs(options: Options) -> Story:
    """One run of each combination of options that the runs of a folder differ in, the first by name.

    Raises DataError where no run holds pictures, or they are of different images.
    """
    assert options.runs is not None
    runs, _ = runs_of(expanded(options.runs))
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
    images, chosen = _test_images(run, int(options.image)), int(options.image)
    looks = []
    for path in sorted((run / "images").glob("reconstructions_epoch*.png")):
        epoch = NAME.fullmatch(path.name)
        if epoch and (int(epoch[1]) == 0 or not options.untrained):
            output = reconstructed(run, path, images)
            if output is None:
                raise DataError(f"{path} is no picture that this run has drawn of its test image {chosen}")
            looks.append(Look(int(epoch[1]), torch.from_numpy(output[chosen] / np.float32(255))))
    if not looks or looks[0].time > 0:
        raise DataError(f"{run}/images holds no picture of it untrained: it is drawn as training begins")
    cost, metrics = summary.get("cost", {}), summary.get("metrics", {})
    strides = sorted(int(stride) for key in metrics if (stride := key.removeprefix("test/phase_bias_")).isdecimal())
    row = Row(name, note(cost.get("num_params", 0), cost.get("index_bits", 0)), tuple(strides), looks)
    return row, torch.from_numpy(images[chosen] / np.float32(255))


def _test_images(run: Path, chosen: int) -> Pixels:
    """The first test images up to the chosen one, as the run has kept them."""
    try:
        with np.load(check_examples(run, run / "examples.npz"), allow_pickle=False) as kept:
            first = int((kept["index"] == np.arange(len(kept["index"]))).sum())
            images: Pixels = kept["target"][: chosen + 1]
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise DataError(f"{run}/examples.npz, the images that it has drawn: {first_line(error)}") from error
    if chosen >= first:
        raise ConfigError(f"image={chosen}: {run} has kept its test images 0 to {first - 1}")
    if images.shape[1] not in (1, 3):
        raise DataError(f"{run} has images of {images.shape[1]} channels: shown are grey and colour")
    return images
