"""Whatever the files of runs and sweeps hold, the others are reported, and `evaluate` says why it leaves one out."""

import functools
import gzip
import json
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from helpers.fuzzing import FIXTURES, SECRET, changed, fuzz, harmless
from hourglass.data.sources import read_idx
from hourglass.report import markdown
from hourglass.report.analysis import tables
from hourglass.report.analysis.review import review
from hourglass.report.make import as_csv
from hourglass.report.page import render
from hourglass.report.page.images import tiles
from hourglass.report.reading import evaluations, runs
from hourglass.report.reading.files import check_examples
from hourglass.runs.evaluation.select import runs_of

pytestmark = pytest.mark.slow

SWEEP = json.loads((FIXTURES / "sweep" / "sweep.json").read_text())
SUMMARY = json.loads((FIXTURES / "sweep" / "7a2471ca" / "summary.json").read_text())
EVALUATION = {
    "id": "0123abcd", "run": "7a2471ca", "corruption": {"kind": "gaussian", "level": 0.5, "std": 0.5, "clip": False},
    "data": "synthetic", "data_fingerprint": "1f5f0cf2", "metrics": {"test/mse": 0.1, "test/psnr": 10.0}, "seed": 0,
    "overrides": ["corruption=gaussian"], "versions": {}, "time": "2026-01-01T00:00:00",
}  # fmt: skip


@pytest.fixture
def quick_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "get_plotlyjs", lambda: "")
    monkeypatch.setattr(render, "_template", functools.cache(render._template))


def write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")


def report(folder: Path) -> None:
    reviewed = review(runs.read(folder))
    assert {run.id for run in reviewed.sweep.runs} >= {"968d3ae9"}
    marked_up = [markdown.write(reviewed), render.render(reviewed)]
    made = [*marked_up, as_csv(tables.results(reviewed.sweep))]
    assert not [text for text in made if SECRET in text]
    assert not [text for text in marked_up if "<script>" in text.replace("<script>\n", "")]
    assert [text.encode() for text in made]


@given(sweep_json=changed(SWEEP), summary=changed(SUMMARY))
@fuzz
def test_any_sweep_is_reported_and_sorted(sweep: Path, quick_page: None, sweep_json: Any, summary: Any) -> None:
    write(sweep / "sweep.json", sweep_json)
    write(sweep / "7a2471ca" / "summary.json", summary)
    with harmless(sweep):
        report(sweep)
    with harmless(sweep):
        kept, left_out = runs_of(sweep)
        assert all(path.parent == sweep for path in kept)
        assert len(kept) + len(left_out) >= 2


@given(changed(SUMMARY))
@fuzz
def test_any_summary_is_read_or_torn(sweep: Path, summary: Any) -> None:
    write(sweep / "7a2471ca" / "summary.json", summary)
    with harmless(sweep):
        run, problems = runs._read_run(sweep / "7a2471ca", sweep, [])
        assert (run is None) == bool(problems) or run is not None


@given(changed(EVALUATION))
@fuzz
def test_any_evaluation_is_a_row_or_named(sweep: Path, evaluation: Any) -> None:
    path = sweep / "7a2471ca" / "evaluations" / "0123abcd.json"
    path.parent.mkdir(exist_ok=True)
    best = path.parents[1] / "checkpoints" / "best.ckpt"
    best.unlink(missing_ok=True)  # so that nobody can tell of which weights it is
    write(path, evaluation)
    with harmless(sweep):
        read = runs.read(path.parents[1])
        assert len(read.runs) == 1
        assert len(evaluations.table(read)) + len(read.others) == 1


arrays = st.sampled_from(["mse", "index", "each", "input", "target", "output", "more"])
shapes = st.lists(st.integers(0, 5), max_size=5).map(tuple)
kinds = st.sampled_from(["u1", "i8", "f4", "f8", "c8", "?", "U3", "O"])


@given(st.dictionaries(arrays, st.tuples(kinds, shapes) | st.none(), max_size=3), st.data())
@fuzz
def test_any_examples_are_drawn_or_named(run: Path, others: dict[str, Any], data: st.DataObject) -> None:
    path = run / "examples.npz"
    content = dict(np.load(FIXTURES / "run" / "examples.npz"))
    for name, kind in others.items():
        content.pop(name, None)
        if kind is not None:
            content[name] = np.zeros(kind[1], kind[0])
    np.savez_compressed(path, **content)
    raw = bytearray(path.read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(raw) - 1), max_size=2)):
        raw[place] = data.draw(st.integers(0, 255))
    path.write_bytes(raw[: data.draw(st.just(len(raw)) | st.integers(0, len(raw)))])
    with harmless(run):
        try:
            examples = dict(np.load(check_examples(run, path)))
        except (ValueError, OSError, RuntimeError, zipfile.BadZipFile, zlib.error):
            return  # which `read_beside` names
        assert tiles(examples, 2, 1)


headers = st.lists(st.sampled_from([0, 1, 2, 3, 28, 0x803, 2**31, 2**32 - 1]), max_size=5)


@given(header=headers, size=st.integers(0, 100), packed=st.booleans(), cut=st.integers(0, 120))
@fuzz
def test_any_idx_file_is_read_or_named(trap: Path, header: list[int], size: int, packed: bool, cut: int) -> None:
    folder = trap / "idx"
    folder.mkdir(exist_ok=True)
    raw = b"".join(number.to_bytes(4, "big") for number in (header if header[:1] == [3] else [0x803, *header]))
    raw += bytes(size)
    path = folder / "train-images-idx3-ubyte"
    for old in folder.iterdir():
        old.unlink()
    path = path.with_name(path.name + ".gz") if packed else path
    raw = gzip.compress(raw) if packed else raw
    path.write_bytes(raw[:cut] if cut < 60 else raw)
    with harmless(folder):
        images = read_idx(path)
        assert images.dtype == torch.uint8
        assert images.numel() == size
