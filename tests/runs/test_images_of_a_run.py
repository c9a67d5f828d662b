"""A result belongs to its images: other images have another id, the same in another place have the same one."""

import gzip
import hashlib
import json
import shutil
from pathlib import Path

import pytest
import torch

from hourglass.cli import train as command
from hourglass.config import checksums
from hourglass.config.compose import compose_train
from hourglass.config.configuration import Configuration
from hourglass.config.parts import Parts
from hourglass.core.errors import DataError
from hourglass.data.sources import idx_checksum
from hourglass.runs import launch
from hourglass.runs.evaluation.request import evaluations, parse_request
from hourglass.runs.read import read_configuration

NAMES = tuple(checksums.HALVES.values())


def write_idx(folder: Path, seed: int, train: int = 80, test: int = 20) -> Path:
    """Random pictures, as MNIST's files hold them."""
    folder.mkdir()
    generator = torch.Generator().manual_seed(seed)
    for name, n in zip(NAMES, (train, test), strict=True):
        pixels = torch.randint(256, (n, 28, 28), generator=generator, dtype=torch.uint8)
        header = b"".join(number.to_bytes(4, "big") for number in (0x803, n, 28, 28))
        (folder / name).write_bytes(header + pixels.numpy().tobytes())
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_idx(tmp_path / "images", 0)


def mnist(root: Path, *overrides: str) -> Configuration:
    return compose_train(["data=mnist", f"data.root={root}", "data.val_size=10", "data.batch_size=10", *overrides])


def test_other_images_have_another_id_and_the_same_ones_elsewhere_the_same(root: Path, tmp_path: Path) -> None:
    packed, raw = tmp_path / "packed", tmp_path / "torchvision" / "MNIST" / "raw"
    packed.mkdir()
    raw.mkdir(parents=True)
    for name in NAMES:
        (packed / f"{name}.gz").write_bytes(gzip.compress((root / name).read_bytes()))
        shutil.copy(root / name, raw)
    here = mnist(root)
    assert set(here.plain["data"]["checksums"]) == {"train", "test"}
    assert here.id == mnist(packed).id == mnist(raw.parents[1]).id
    assert here.id != mnist(write_idx(tmp_path / "others", 1)).id
    test = root / NAMES[1]
    test.write_bytes(test.read_bytes()[:-1] + b"\0")
    assert mnist(root).id != here.id  # as soon as one pixel has changed


def test_published_images_have_the_id_of_their_name_also_before_they_are_there(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sums = {hashlib.md5((root / name).read_bytes(), usedforsecurity=False).hexdigest() for name in NAMES}
    monkeypatch.setattr(checksums, "PUBLISHED", checksums.PUBLISHED | sums)
    assert mnist(root).plain["data"]["checksums"] is None
    assert mnist(root).id == mnist(tmp_path / "nowhere", "data.download=true").id


def test_sums_are_those_of_what_is_read(root: Path) -> None:
    source = Parts(mnist(root)).data.source
    splits = source.load()
    read = {"train": idx_checksum(splits.train), "test": idx_checksum(splits.test)}
    assert read == mnist(root).plain["data"]["checksums"]


def test_images_that_have_changed_since_are_refused(root: Path) -> None:
    configuration = mnist(root)
    shutil.rmtree(root)
    write_idx(root, 1)
    for stage in (None, "test"):
        with pytest.raises(DataError, match=r"images have changed .* put back those of then"):
            Parts(configuration).data.setup(stage)


def test_a_test_set_alone_is_enough_for_a_test(root: Path) -> None:
    (root / NAMES[0]).unlink()
    data = Parts(mnist(root)).data
    data.setup("test")
    assert list(data.images) == ["test"]
    assert len(data.test_dataloader().dataset) == 20
    with pytest.raises(DataError):
        Parts(mnist(root)).data.setup()


@pytest.mark.slow
def test_evaluations_on_other_images_are_others(root: Path, tmp_path: Path) -> None:
    others = write_idx(tmp_path / "others", 1)
    run, choices = mnist(root), {"data": "mnist", "corruption": "none"}

    def identity(*arguments: str) -> str:
        (one,) = evaluations(run, choices, parse_request(["run=somewhere", *arguments]))
        return one.id

    assert identity() == identity(f"data.root={root}") == identity("data=mnist", f"data.root={root}")
    assert identity() != identity(f"data.root={others}") == identity("data=mnist", f"data.root={others}")
    (others / NAMES[0]).unlink()
    assert identity(f"data.root={others}") != identity()


def test_a_folder_of_others_downloads_nothing_and_keeps_nothing_elsewhere(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    written = mnist(root, "data.download=true", f"baselines={elsewhere}")
    folder = tmp_path / "run"
    (folder / ".hydra").mkdir(parents=True)
    (folder / ".hydra" / "config.yaml").write_text(written.as_yaml, encoding="utf-8")
    assert written.plain["data"]["download"] is True
    assert read_configuration(folder).plain["data"]["download"] is False
    summary = {"format": 1, "id": written.id, "status": "interrupted", "choices": {}, "overrides": [], "sweep": None}
    (folder / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    seen: list[Configuration] = []
    monkeypatch.setattr(launch, "alone", lambda configuration, job, retry: seen.append(configuration))
    command.main([f"resume={folder}"])
    assert seen[0].plain["baselines"] == "logs/baselines"
    assert seen[0].id == written.id
