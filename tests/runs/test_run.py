"""One run, end to end: real processes, the run folder they leave, and how they end."""

import csv
import json
import math
import subprocess
from pathlib import Path

import pytest
import torch
from PIL import Image

import hourglass
from helpers.project import run_command, run_train

QUICK = ("trainer.max_epochs=3", "trainer.limit_train_batches=12", "trainer.enable_progress_bar=false")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short real run with W&B offline, TensorBoard and a corruption."""
    folder = tmp_path_factory.mktemp("run") / "first"
    environment = {"WANDB_MODE": "offline", "NETRC": "/nowhere", "WANDB_API_KEY": ""}
    done = run_train(folder, *QUICK, "model=denoising", "logger=[wandb,tensorboard]", **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    (folder / "screen.txt").write_text(done.stdout + done.stderr, encoding="utf-8")
    return folder


def summary_of(folder: Path) -> dict:
    return json.loads((folder / "summary.json").read_text(encoding="utf-8"))


def test_the_run_folder_keeps_its_contract(folder: Path) -> None:
    summary = summary_of(folder)
    assert summary["status"] == "completed"
    assert (summary["error"], summary["seed"]) == (None, 0)
    assert all(summary["choices"][group] for group in ("model", "encoder", "decoder", "latent", "data", "corruption"))
    assert summary["choices"]["model"] == "denoising"
    for name in ("test/mse", "test/psnr", "test/psnr_per_image", "test/ssim", "test/psnr_gain", "val/loss"):
        assert isinstance(summary["metrics"][name], float)
    for name in ("num_params", "macs_per_image", "code_size", "index_bits", "train_seconds", "images_per_second"):
        assert summary["cost"][name] >= 0
    assert summary["cost"]["code_bits"] == 32 * summary["cost"]["code_size"] == 784 * summary["cost"]["bits_per_pixel"]
    assert summary["cost"]["peak_memory_bytes"] > 1e8
    assert summary["rate_curves"] == {}  # the input is not the image
    assert {"torch", "lightning", "hydra-core", "python"} <= set(summary["versions"])
    assert (folder / ".hydra" / "config.yaml").exists()
    assert summary["metrics"]["test/psnr"] == pytest.approx(-10 * math.log10(summary["metrics"]["test/mse"]), 1e-5)
    assert not list(folder.rglob("*.tmp"))


def test_metrics_csv_has_one_row_a_logging_step(folder: Path) -> None:
    with (folder / "metrics.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    steps = [int(row["step"]) for row in rows]
    assert steps == sorted(set(steps))
    for name in ("train/loss", "val/loss", "val/psnr", "lr-Adam", "test/mse"):
        assert any(row[name] for row in rows), name
    assert sum(bool(row["val/loss"]) for row in rows) == 3


def test_the_grid_is_measured_untrained_trained_and_in_real_images(folder: Path) -> None:
    metrics = summary_of(folder)["metrics"]
    for stage in ("init", "test", "real"):
        for name in ("phase_bias", "harmonic_peak", "phase_imbalance"):
            assert {f"{stage}/{name}_2", f"{stage}/{name}_4"} <= set(metrics)
    for stage in ("init", "test"):
        for name in ("phase_error_imbalance_2", "shift_consistency_1", "flat_field_ripple_1", "flat_field_ripple_2"):
            assert f"{stage}/{name}" in metrics
    assert metrics["init/phase_bias_2"] > 0.1 > metrics["real/phase_bias_2"]
    with (folder / "metrics.csv").open(encoding="utf-8") as file:
        assert any(row["init/phase_bias_2"] for row in csv.DictReader(file))
    with (folder / "spectra.csv").open(encoding="utf-8") as file:
        assert next(csv.reader(file)) == ["frequency", "input", "target", "output", "error"]


def test_baselines_and_their_ratios_stand_beside_the_result(folder: Path) -> None:
    summary = summary_of(folder)
    expected = {
        "mean_image",
        "pool_nearest",
        "pool_bicubic",
        "noisy_input",
        "wiener",
        "wiener_clipped",
        "wiener_curve",
        "wiener_code",
    }
    assert set(summary["baselines"]) == expected
    for name, ratio in summary["ratios"].items():
        assert ratio == pytest.approx(summary["metrics"]["test/mse"] / summary["baselines"][name])
    assert summary["baselines"]["noisy_input"] == pytest.approx(0.09, rel=0.02)


def test_checkpoints_load_safely_and_carry_the_configuration(folder: Path) -> None:
    for name in ("best", "last"):
        checkpoint = torch.load(folder / "checkpoints" / f"{name}.ckpt", weights_only=True)
        assert checkpoint["config"]["encoder"]["channels"] == [16, 32]


def test_load_run_gives_the_recorded_result(folder: Path) -> None:
    model, data = hourglass.load_run(folder), hourglass.load_data(folder)
    assert not model.training
    batch = data.pick("test", range(500))
    with torch.no_grad():
        mse = (model(batch.input) - batch.target).square().mean().item()
    assert mse == pytest.approx(summary_of(folder)["metrics"]["test/mse"], abs=1e-6)
    assert (batch.input - batch.target).square().mean().item() == pytest.approx(0.09, rel=0.02)
    assert hourglass.load_run(folder, "last").image_shape == (1, 28, 28)


@pytest.mark.slow
def test_load_run_needs_no_hydra_state(folder: Path) -> None:
    code = f"import hourglass; print(type(hourglass.load_run({str(folder)!r})).__name__)"
    assert run_command("-c", code).stdout.strip() == "Autoencoder"


def test_grids_show_the_same_images_at_log_spaced_epochs(folder: Path) -> None:
    files = sorted((folder / "images").glob("reconstructions_epoch*.png"))
    assert [file.stem[-4:] for file in files] == ["0000", "0001", "0002", "0003"]
    first, last = (Image.open(file) for file in (files[0], files[-1]))
    assert first.size == last.size
    cell = 28 * 3 + 2
    top = (0, 0, first.width, 2 * cell)  # the rows input and corrupted never change
    assert first.crop(top).tobytes() == last.crop(top).tobytes()
    assert first.tobytes() != last.tobytes()


def test_the_screen_says_what_was_reached_and_what_to_do_next(folder: Path) -> None:
    screen = (folder / "screen.txt").read_text(encoding="utf-8")
    for words in (
        "test      MSE",
        "denoised",
        "parameters",
        f"{folder / 'images'}",
        "python train.py -m decoder=transpose,resize",
    ):
        assert words in screen
    assert "Traceback" not in screen
    assert "Warning" not in screen


def test_the_offline_wandb_run_reads_back(folder: Path) -> None:
    (record,) = folder.glob("wandb/offline-run-*/run-*.wandb")
    done = subprocess.run(
        ["wandb", "leet", "inspect", "--json", str(record)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    identity = summary_of(folder)["id"]
    assert record.name == f"run-{folder.name}-{identity}.wandb"
    for words in ("train/loss", "val/loss", "lr-Adam", "num_params", "images/reconstructions", "channels"):
        assert words in done.stdout, words
    assert len(list(folder.glob("wandb/offline-run-*/files/media/images/images/reconstructions*.png"))) == 4
    for name in ("interpolations", "traversals", "neighbours"):
        assert len(list(folder.glob(f"wandb/offline-run-*/files/media/images/images/{name}*.png"))) == 1
        assert (folder / "images" / f"{name}_epoch0003.png").exists()


def test_tensorboard_has_the_losses_and_the_images(folder: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder / "tensorboard"))
    events.Reload()
    tags = events.Tags()
    assert {"train/loss", "val/loss"} <= set(tags["scalars"])
    assert "images/reconstructions" in tags["images"]


@pytest.mark.slow  # the kills of test_resume hold every bit to the same
def test_the_same_seed_twice_gives_the_same_numbers(folder: Path, tmp_path: Path) -> None:
    done = run_train(tmp_path / "again", *QUICK, "model=denoising", "logger=none")
    assert done.returncode == 0
    first, again = summary_of(folder), summary_of(tmp_path / "again")
    assert first["metrics"] == again["metrics"]
    assert first["id"] == again["id"]


@pytest.mark.parametrize(
    ("overrides", "status", "message"),
    [
        pytest.param(("data=mnist", "data.root=nowhere"), None, "data.download=true", marks=pytest.mark.slow),
        pytest.param(("encoder=strided", "decoder=max_unpool"), None, "use encoder=maxpool", marks=pytest.mark.slow),
        pytest.param(("trainer.limit_val_batches=0",), None, "nothing would be measured", marks=pytest.mark.slow),
        pytest.param(
            ("optimizer=sgd", "optimizer.lr=1e30", "model.output=identity"),
            "diverged",
            "Try a smaller optimizer.lr",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_run_that_cannot_go_on_says_why(
    tmp_path: Path, overrides: tuple[str, ...], status: str | None, message: str
) -> None:
    folder = tmp_path / "run"
    done = run_train(folder, "logger=none", *QUICK, *overrides)
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    if status is None:
        assert not folder.exists()
        return
    summary = summary_of(folder)
    assert summary["status"] == status
    assert message in summary["error"]
    if status == "diverged":
        assert "at step" in summary["error"]
        assert not list((folder / "checkpoints").glob("*.ckpt"))


@pytest.mark.slow
def test_a_sweep_has_one_folder_and_one_wandb_run_a_job(tmp_path: Path) -> None:
    done = run_command(
        "train.py", "-m", f"hydra.sweep.dir={tmp_path / 'sweep'}", "sweep=mine",
        "decoder=transpose,max_unpool", "encoder=maxpool,strided", *QUICK, "report=false", WANDB_MODE="offline",
    )  # fmt: skip
    assert done.returncode == 1  # one of the four is no pair
    assert "use encoder=maxpool" in done.stdout
    folders = [path for path in (tmp_path / "sweep").iterdir() if path.is_dir()]
    statuses = sorted(summary_of(path)["status"] for path in folders)
    assert statuses == ["completed"] * 3 + ["incompatible"]
    for path in folders:
        assert summary_of(path)["id"] == path.name
        if summary_of(path)["status"] == "completed":
            (record,) = path.glob("wandb/offline-run-*/run-*.wandb")
            assert record.name == f"run-mine-{path.name}.wandb"
            assert b"mine" in record.read_bytes()


@pytest.mark.slow
def test_clipping_works_in_mixed_precision(tmp_path: Path) -> None:
    options = ("trainer.precision=bf16-mixed", "trainer.gradient_clip_val=1", "trainer.log_every_n_steps=0")
    done = run_train(tmp_path, "logger=none", *QUICK, *options)
    assert done.returncode == 0, done.stderr
    assert summary_of(tmp_path)["status"] == "completed"
