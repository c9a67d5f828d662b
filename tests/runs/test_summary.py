"""What `summary.json` says of a result."""

from pathlib import Path

import pytest

from hourglass.runs.summary import Summary


def test_ratios_hold_each_result_against_its_own_baseline(tmp_path: Path) -> None:
    result = Summary(tmp_path, "id", {}, 0, baselines={"pca": 0.02, "patch_pca": 0.0, "bce_entropy": 0.05})
    assert result.ratios == {}
    result.metrics = {"test/mse": 0.01, "test/loss": 0.06}
    assert result.ratios == pytest.approx({"pca": 0.5, "bce_entropy": 1.2})
    result.metrics["test/reconstruction"], result.cost["image_size"] = 80.0, 784
    assert result.ratios["bce_entropy"] == pytest.approx(80 / 784 / 0.05)
