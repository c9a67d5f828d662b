"""The cache of decoded pictures: filled once, found again, held against its checksum, whole or not there."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from helpers.photo_folders import fill, read
from helpers.project import ROOT
from hourglass.core.errors import DataError
from hourglass.data import cache


def only_entry(folder: Path) -> Path:
    (entry,) = [path for path in folder.iterdir() if path.is_dir() and path.name != "digests"]
    return entry


def test_the_cache_is_filled_once_and_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path / "photos", 60)
    first = read(tmp_path / "photos")
    entry = only_entry(Path("logs/pictures"))
    assert json.loads((entry / "card.json").read_text(encoding="utf-8"))["images"] == [60, 3, 16, 16]
    monkeypatch.setattr("hourglass.data.picture_files.read", lambda *_: pytest.fail("decoded again"))
    again = read(tmp_path / "photos", "seed=3", "data.batch_size=4")
    assert again.fingerprint() == first.fingerprint()
    assert not list(Path("logs/pictures").glob(".*.tmp"))


@pytest.mark.parametrize("damage", ["a bit", "cut", "no card", "other shape"])
def test_a_damaged_entry_is_refused_by_name(tmp_path: Path, damage: str) -> None:
    fill(tmp_path / "photos", 60)
    read(tmp_path / "photos")
    entry = only_entry(Path("logs/pictures"))
    raw = bytearray((entry / "images.npy").read_bytes())
    if damage == "a bit":
        raw[-7] ^= 4
    (entry / "images.npy").write_bytes(raw[:-1] if damage == "cut" else raw)
    card = json.loads((entry / "card.json").read_text(encoding="utf-8"))
    card["images"] = [60, 3, 8, 32] if damage == "other shape" else card["images"]
    (entry / "card.json").write_text("" if damage == "no card" else json.dumps(card), encoding="utf-8")
    with pytest.raises(DataError, match=f"{entry.name} is damaged: delete it, and the pictures are decoded again"):
        read(tmp_path / "photos")


DECODE = """
import sys
from hourglass.config.compose import compose_train
from hourglass.config.parts import Parts
data = Parts(compose_train(sys.argv[1:])).data
data.setup()
print(data.fingerprint())
"""


@pytest.mark.slow
def test_two_processes_that_share_nothing_but_the_folder_make_one_entry(tmp_path: Path) -> None:
    fill(tmp_path / "photos", 200, size=(90, 80))
    command = [sys.executable, "-c", DECODE, "data=folder", f"data.root={tmp_path / 'photos'}", "data.cache=shared"]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        for _ in range(2)
    ]
    answers = [process.communicate(timeout=200) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], answers
    assert answers[0][0] == answers[1][0]
    only_entry(Path("shared"))


def test_one_made_elsewhere_in_the_meantime_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on another machine, whose locks are not seen here."""
    fill(tmp_path / "photos", 60)
    slower = cache._make
    whole = read(tmp_path / "photos", "data.cache=other").fingerprint()

    def overtaken(place: Path, *rest: object) -> None:
        shutil.copytree(only_entry(Path("other")), place)
        slower(place, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(cache, "_make", overtaken)
    assert read(tmp_path / "photos").fingerprint() == whole
    assert not list(Path("logs/pictures").glob(".*.tmp"))


def test_memory_that_was_mapped_is_given_back(tmp_path: Path) -> None:
    fill(tmp_path / "photos", 60)
    data = read(tmp_path / "photos")
    images = data.images["train"]
    before = images.images.clone()
    released = []
    images.release, inner = lambda: (released.append(1), inner()), images.release
    images._mapped = 2**24
    batch = images.__getitems__([0, 1])
    assert released == [1]
    assert images._mapped == 0
    assert torch.equal(batch.images, before[:2])
    assert torch.equal(images.images, before)  # read again from the file
