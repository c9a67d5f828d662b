"""Two processes on the CPU do what one does."""

import json
from pathlib import Path

import pytest
from conftest import run_train

QUICK = ("trainer.max_epochs=2", "trainer.limit_train_batches=10", "trainer.enable_progress_bar=false", "logger=none")


def test_two_processes_see_the_same_batches_corruption_and_images(tmp_path: Path) -> None:
    one = run_train(tmp_path / "one", *QUICK, "model=denoising", "trainer=cpu")
    two = run_train(
        tmp_path / "two", *QUICK, "model=denoising", "trainer=ddp", "trainer.accelerator=cpu", "trainer.devices=2"
    )
    assert one.returncode == two.returncode == 0, two.stdout + two.stderr
    first, second = (json.loads((tmp_path / name / "summary.json").read_text()) for name in ("one", "two"))
    # the noisy input's own PSNR: same corruption, and every one of the 500 images counted once
    assert first["metrics"]["test/psnr_input"] == pytest.approx(second["metrics"]["test/psnr_input"], abs=1e-5)
    # the same global batches: the weights agree but for the order of floating-point sums
    for name in ("test/mse", "val/loss", "test/ssim", "test/psnr_per_image"):
        assert first["metrics"][name] == pytest.approx(second["metrics"][name], rel=1e-3), name
    assert two.stdout.count("test      MSE") == 1
    files = {name: {path.name for path in (tmp_path / name).iterdir()} for name in ("one", "two")}
    assert files["one"] == files["two"]
