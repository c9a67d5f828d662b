"""`docs/own_pictures.md`, followed: every command of the page, in its order, on 150 pictures."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers.pages import blocks
from helpers.photo_folders import mixed, picture
from helpers.project import ROOT

PAGE = "docs/own_pictures.md"
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT / "src"), "WANDB_MODE": "offline", "OMP_NUM_THREADS": "1"}


def start(line: str, folder: Path) -> subprocess.Popen[str]:
    """One line of the page."""
    program, *arguments = shlex.split(line)
    assert program == "hourglass"
    command = [sys.executable, "-m", "hourglass", *arguments]
    out = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.Popen(command, cwd=folder, env=ENVIRONMENT, text=True, start_new_session=True, **out)


def run(line: str, folder: Path) -> str:
    process = start(line, folder)
    output, _ = process.communicate(timeout=600)
    broken = "images=photos/" in line  # named at the end, and the others are done
    assert process.returncode == int(broken), f"{line}\n{output}"
    assert not broken or "DataError: photos/" in output
    return output


def stopped(line: str, folder: Path) -> str:
    """The same, stopped by Ctrl-C once it has saved."""
    process = start(line, folder)
    deadline = time.monotonic() + 300
    while not (folder / "logs/runs/photos/checkpoints/last.ckpt").exists():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 130, output
    return output


@pytest.mark.slow
def test_the_page_is_followed_from_the_folder_to_the_exported_model(tmp_path: Path) -> None:
    mixed(tmp_path / "photos", 150)
    for side in ("noisy", "clean"):
        (tmp_path / "scans" / side).mkdir(parents=True)
    for number in range(80):
        clean = np.asarray(picture(number, (32, 32)))
        noise = np.random.default_rng(number).normal(0, 30, clean.shape)
        Image.fromarray(clean).save(tmp_path / "scans" / "clean" / f"{number}.png")
        Image.fromarray((clean + noise).clip(0, 255).astype(np.uint8)).save(
            tmp_path / "scans" / "noisy" / f"{number}.png"
        )
    lines = [line for block in blocks(PAGE, "bash") for line in block.strip().splitlines()]
    said = {line: stopped(line, tmp_path) if i == 0 else run(line, tmp_path) for i, line in enumerate(lines)}
    first, resumed = (said[line] for line in lines[:2])
    shown = next(block for block in blocks(PAGE, "text"))
    for line in shown.splitlines():
        assert line.split(", on CPU")[0] in first
    assert "going on from" in resumed
    summary = json.loads((tmp_path / "logs/runs/photos/summary.json").read_text(encoding="utf-8"))
    assert summary["status"] == "completed"
    assert summary["data"]["train"] + summary["data"]["val"] + summary["data"]["test"] == 150
    report = tmp_path / "logs/sweeps/decoders/report.html"
    assert report.is_file()
    assert len(list((tmp_path / "reconstructions" / "comparisons").iterdir())) == 75
    codes = dict(np.load(tmp_path / "dogs.npz"))
    assert len(codes["code"]) == 75
    assert {path.suffix for path in (tmp_path / "exports" / "photos").iterdir()} == {".onnx", ".pt2", ".md", ".json"}
    paired = next(text for line, text in said.items() if "data=paired" in line)
    assert "the noisy input" in paired
    assert "1 set" not in said["hourglass data"]
    assert run("hourglass data", tmp_path).startswith("no decoded pictures")


@pytest.mark.slow
def test_what_embed_writes_has_names_and_labels(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    mixed(tmp_path / "photos", 60)
    short = (
        "data=folder data.root=photos data.size=16 data.batch_size=8 trainer.max_epochs=1 logger=none baselines=null"
    )
    run(f"hourglass train {short} hydra.run.dir=run", tmp_path)
    run("hourglass embed run=run data=run out=codes.parquet", tmp_path)
    rows = parquet.read_table(tmp_path / "codes.parquet").to_pylist()
    assert len(rows) == 60
    assert all(row["label"] == ("cats", "dogs").index(row["file"].split("/")[0]) for row in rows)
    assert {row["split"] for row in rows} == {"train", "val", "test"}
