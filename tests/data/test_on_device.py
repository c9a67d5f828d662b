"""Training images that are kept on the device: when they are, and that nothing else changes. Rehearsed on the CPU."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader

from helpers import by_hand
from hourglass.data import batches
from hourglass.data.batches import Images, Positions
from hourglass.data.datamodule import ImageData

CPU = torch.device("cpu")


@pytest.fixture
def roomy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The CPU passes for a GPU with a gigabyte."""
    monkeypatch.setattr(batches, "free_bytes", lambda device: 10**9)


def fitted(folder: Path, **options: Any) -> tuple[dict[str, torch.Tensor], ImageData, list[int]]:
    """The weights of a short run, its data module, and how many images were kept on the device in each of its steps."""
    data, kept = by_hand.images(), []
    for name, value in options.items():
        setattr(data, name, value)

    def note(_: Any) -> None:
        kept.append(0 if data.on_device is None else len(data.on_device))

    steps = 2 * by_hand.PER_EPOCH
    trainer = by_hand.trainer_for(folder, [by_hand.At(step, note) for step in range(steps)])
    data.trainer, module = trainer, by_hand.module()
    trainer.fit(module, datamodule=data)
    assert len(kept) == steps
    return module.state_dict(), data, kept


def test_a_run_on_images_of_the_device_ends_with_the_same_bits(tmp_path: Path, roomy: None) -> None:
    expected, _, on_host = fitted(tmp_path / "host", device="cpu")
    weights, data, on_device = fitted(tmp_path / "device")
    assert set(on_host) == {0}
    assert set(on_device) == {len(data.images["train"])}
    assert data.on_device is None  # its memory is given back
    assert all(torch.equal(weights[name], expected[name]) for name in expected)


def test_on_a_cpu_and_with_workers_they_stay_where_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(fitted(tmp_path / "cpu")[2]) == {0}
    monkeypatch.setattr(batches, "free_bytes", lambda device: 10**9)
    data = by_hand.images()
    data.trainer = by_hand.trainer_for(tmp_path / "workers")
    data.num_workers = 1
    assert isinstance(data.train_dataloader().dataset, Images)
    data.num_workers = 0
    assert isinstance(data.train_dataloader().dataset, Positions)
    data.device = "cpu"
    assert isinstance(data.train_dataloader().dataset, Images)


def test_a_quarter_of_what_is_free_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    images = Images(torch.zeros(10, 3, 4, 4).byte(), rows=torch.arange(5), inputs=torch.zeros(10, 3, 4, 4).byte())
    needed = 2 * 5 * 3 * 4 * 4
    for free, enough in ((4 * needed, True), (4 * needed - 1, False)):
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device, free=free: (free, 10**9))
        assert images.fit_on(torch.device("cuda", 0)) == enough
        assert not images.fit_on(CPU)


@pytest.mark.parametrize("drawn", [False, True])
@pytest.mark.parametrize("paired", [False, True])
def test_the_same_batches_come_from_the_device(monkeypatch: pytest.MonkeyPatch, drawn: bool, paired: bool) -> None:
    monkeypatch.setattr(batches, "CHUNK", 7)
    images, inputs = (torch.randint(256, (40, 3, 4, 5)).byte() for _ in range(2))
    split = Images(images, rows=torch.randperm(40)[:30] if drawn else None, inputs=inputs if paired else None)
    copied, indices = split.copied_to(CPU), torch.randperm(len(split))[:8]
    assert len(copied) == len(split)
    (position,) = DataLoader(Positions(len(split)), batch_sampler=[indices.tolist()], collate_fn=lambda batch: batch)
    for one, other in zip(split.__getitems__(indices.tolist()), copied.__getitems__(position), strict=True):
        assert (one is None and other is None) or torch.equal(one, other)
