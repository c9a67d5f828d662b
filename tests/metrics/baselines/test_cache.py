"""The cache of baselines: by content, and never in the way of a result."""

import json
import logging

import pytest
from torch import Tensor

from helpers.images import smooth_images
from hourglass.metrics import baselines


def test_cache_computes_once_and_by_content(tmp_path):
    calls = []

    def mean_plus(images: Tensor, dim: int) -> float:
        calls.append(dim)
        return images.double().mean().item() + dim

    images = smooth_images(3, (1, 4, 4))
    first = baselines.cached(tmp_path / "new", mean_plus, images, 1)
    assert baselines.cached(tmp_path / "new", mean_plus, images.clone(), 1) == first
    assert calls == [1]
    baselines.cached(tmp_path / "new", mean_plus, images, 2)
    baselines.cached(tmp_path / "new", mean_plus, images.flip(0), 1)
    baselines.cached(tmp_path / "new", mean_plus, images.view(3, 1, 2, 8), 1)
    baselines.cached(tmp_path / "new", mean_plus, images.float(), 1)
    assert calls == [1, 2, 1, 1, 1]
    assert sorted(p.suffix for p in (tmp_path / "new").iterdir()) == [".json"] * 5
    baselines.cached(None, mean_plus, images, 1)
    assert len(calls) == 6


def test_images_are_read_once_for_all_baselines_and_again_when_they_have_changed(tmp_path, monkeypatch):
    read = []
    blocks = Tensor.split
    monkeypatch.setattr(Tensor, "split", lambda images, size: read.append(len(images)) or blocks(images, size))
    images = smooth_images(7, (1, 4, 4)).clone()

    def first_pixel(images: Tensor, power: int) -> float:
        return float(images[0, 0, 0, 0]) ** power

    before = [baselines.cached(tmp_path, first_pixel, images, power) for power in (1, 2, 3)]
    assert read == [7]
    images.add_(1)
    assert baselines.cached(tmp_path, first_pixel, images, 1) == before[0] + 1
    assert read == [7, 7]


@pytest.mark.parametrize("torn", [b"", b'{"baseline": "pca", "val', b'{"value": null}', b"[1]", b"\xff\xfe"])
def test_a_torn_cache_file_is_computed_again(tmp_path, caplog, torn):
    train = smooth_images(10, (1, 4, 4))
    value = baselines.cached(tmp_path, baselines.pca, train, train, 2)
    (path,) = tmp_path.iterdir()
    path.write_bytes(torn)
    with caplog.at_level(logging.WARNING):
        assert baselines.cached(tmp_path, baselines.pca, train, train, 2) == value
    assert path.name in caplog.text
    assert json.loads(path.read_text()) == {"baseline": "pca", "value": value}


def test_a_cache_that_cannot_be_written_is_no_crash(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    train = smooth_images(10, (1, 4, 4))
    assert baselines.cached(tmp_path / "file" / "folder", baselines.mean_image, train, train) > 0
    assert "cannot keep" in caplog.text
