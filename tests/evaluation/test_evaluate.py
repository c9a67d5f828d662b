"""Trained runs evaluated again: the numbers, the files, and what is skipped."""

import json
import math
from pathlib import Path

import pytest
import torch
import yaml

import hourglass
from helpers.evaluations import IMAGES, SMALL, evaluated
from helpers.project import CONF, configure, options, parts, run_train
from helpers.untrained_runs import untrained_run
from hourglass.cli import evaluate
from hourglass.config.compose import compose_evaluate
from hourglass.core.errors import DataError
from hourglass.data import noise
from hourglass.data.datamodule import ImageData
from hourglass.nn.latents.penalties import mmd

LEVELS = yaml.safe_load((CONF / "evaluate.yaml").read_text(encoding="utf-8"))["levels"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short real run, with a corruption."""
    folder = tmp_path_factory.mktemp("evaluate") / "run"
    quick = ("trainer=cpu", "trainer.max_epochs=1", "trainer.limit_train_batches=10", "baselines=null")
    done = run_train(folder, *quick, "model=denoising", "logger=none", "trainer.enable_progress_bar=false")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def data_of(*overrides: str) -> ImageData:
    data: ImageData = parts(*overrides).data
    data.setup()
    return data


def by_hand(run: Path, data: ImageData) -> float:
    batch = data.pick("test", range(len(data.images["test"])))
    with torch.no_grad():
        return (hourglass.load_run(run)(batch.input) - batch.target).square().mean().item()


def test_without_a_change_it_finds_what_the_run_found(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (record,) = evaluated(folder)
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    for name, value in record["metrics"].items():
        assert value == pytest.approx(summary["metrics"][name], abs=1e-6), name
    assert {"test/mse", "test/psnr", "test/psnr_per_image", "test/ssim", "test/psnr_input", "test/psnr_gain"} <= set(
        record["metrics"]
    )
    assert record["run"] == summary["id"]
    assert record["corruption"] == {"kind": "gaussian", "level": 0.3, "std": 0.3, "clip": False}
    assert (record["data"], record["seed"]) == ("mnist5k", 0)
    assert (folder / "evaluations" / f"{record['id']}.json").exists()
    assert set(record["versions"]) >= {"torch", "python"}
    assert not list(folder.rglob("*.tmp"))
    screen = capsys.readouterr().out
    assert f"{record['metrics']['test/mse']:.5f}" in screen
    assert str(folder / "evaluations") in screen


def test_what_is_known_is_not_measured_again(folder: Path, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    evaluated(folder)
    before = {path: path.read_bytes() for path in (folder / "evaluations").iterdir()}
    monkeypatch.setattr("hourglass.runs.evaluation.measure.Measurer.measure", None)  # would raise if called
    for same in ([], ["corruption=gaussian"], ["corruption.std=0.3"], ["data=mnist5k"]):
        capsys.readouterr()
        evaluated(folder, *same)
        assert "0 evaluated, 1 found in" in capsys.readouterr().out
    assert before == {path: path.read_bytes() for path in (folder / "evaluations").iterdir()}


def test_other_weights_are_measured_again(tmp_path: Path) -> None:
    run = untrained_run(tmp_path / "run", *SMALL)
    (first,) = evaluated(run)
    checkpoint = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)
    checkpoint["state_dict"] = {key: value * 2 for key, value in checkpoint["state_dict"].items()}
    torch.save(checkpoint, run / "checkpoints" / "best.ckpt")
    (second,) = evaluated(run)
    assert second["id"] == first["id"]
    assert second["metrics"]["test/mse"] != first["metrics"]["test/mse"]


def test_the_ladder_has_every_kind_at_five_levels_around_its_default() -> None:
    assert set(LEVELS) == set(options("corruption"))
    for kind, by_key in LEVELS.items():
        if kind == "none":
            assert by_key == {}
            continue
        ((key, levels),) = by_key.items()
        assert len(set(levels)) == 5
        assert levels == sorted(levels)
        assert configure(f"corruption={kind}").plain["corruption"][key] in levels[1:4]


@pytest.mark.slow
def test_the_ladder_does_to_the_images_what_the_closed_forms_say(tmp_path: Path) -> None:
    run = untrained_run(tmp_path / "run", *SMALL)
    records = {(r["corruption"]["kind"], r["corruption"]["level"]): r for r in evaluated(run, "ladder=true")}
    assert set(records) == {("none", 0.0)} | {
        (kind, level) for kind, by_key in LEVELS.items() for levels in by_key.values() for level in levels
    }
    x = hourglass.load_data(run).images["test"].images.double() / 255
    square, mean = x.square().mean().item(), x.mean().item()
    mse = {
        "gaussian": lambda std: std**2,
        "masking": lambda p: p * square,
        "salt_and_pepper": lambda p: p * (square - mean + 0.5),
        "speckle": lambda std: std**2 * square,
    }
    for (kind, level), record in records.items():
        if kind in mse:
            expected = -10 * math.log10(mse[kind](level))
            assert record["metrics"]["test/psnr_input"] == pytest.approx(expected, abs=0.3), (kind, level)
    assert "test/psnr_input" not in records["none", 0.0]["metrics"]
    assert records["none", 0.0]["metrics"]["test/mse"] == pytest.approx(by_hand(run, hourglass.load_data(run)), 1e-5)


@pytest.mark.slow
def test_noise_is_alike_for_every_run_and_any_batch(tmp_path: Path) -> None:
    def noise(name: str, *overrides: str, arguments: tuple[str, ...] = ()) -> float:
        run = untrained_run(tmp_path / name, *SMALL, *overrides)
        (record,) = evaluated(run, "corruption=gaussian", "corruption.std=0.5", *arguments)
        return record["metrics"]["test/psnr_input"]

    first = noise("first")
    assert noise("another", "model.output=identity") == first
    assert noise("batches", "data.eval_batch_size=37") == pytest.approx(first, abs=1e-4)
    assert noise("seed", "seed=1") != first
    assert noise("seed_for_all", "seed=1", arguments=("seed=0",)) == first


def test_the_input_is_the_one_that_training_would_have_tested_with(tmp_path: Path) -> None:
    run = untrained_run(tmp_path / "run", *SMALL, "seed=3")
    (record,) = evaluated(run, "corruption=block", "corruption.size=12")
    data = data_of(*SMALL, "seed=3", "corruption=block", "corruption.size=12")
    assert record["metrics"]["test/mse"] == pytest.approx(by_hand(run, data), 1e-5)
    assert record["corruption"] == {"kind": "block", "level": 12, "size": 12, "count": 1, "value": 0.0}
    assert record["seed"] == 3


@pytest.mark.slow
def test_an_id_says_what_was_evaluated_whichever_run(tmp_path: Path) -> None:
    corrupted = ("corruption=masking", "corruption.p=0.4")
    zero, one = (untrained_run(tmp_path / str(seed), *SMALL, f"seed={seed}") for seed in (0, 1))
    (a,), (b,) = evaluated(zero, *corrupted), evaluated(one, *corrupted)
    assert a["id"] == b["id"]
    assert a["run"] != b["run"]
    ids = {a["id"]}
    for changed in (["corruption=none"], [*corrupted[:1], "corruption.p=0.5"], [*corrupted, "seed=0"]):
        ids.add(evaluated(zero, *changed)[-1]["id"])
    assert len(ids) == 4


def test_other_data(tmp_path: Path) -> None:
    run = untrained_run(tmp_path / "run", *SMALL)
    changed = ("data.source.seed=7", "data.source.test=90")
    (record,) = evaluated(run, *changed)
    assert record["data"] == "synthetic"
    assert record["metrics"]["test/mse"] == pytest.approx(by_hand(run, data_of(*IMAGES[:-1], *changed)), 1e-5)
    assert record["data_fingerprint"] != evaluated(run)[-1]["data_fingerprint"]
    with pytest.raises(DataError, match=r"1×28×28, and the run was trained on 1×12×12.*data.image_shape=\[1,12,12\]"):
        evaluated(run, "data=mnist5k")


@pytest.mark.slow
def test_runs_with_corruptions_of_their_own_are_not_averaged_as_one(tmp_path: Path, capsys) -> None:
    for clip in ("true", "false"):
        for seed in (0, 1):
            corruption = ("corruption=gaussian", f"corruption.clip={clip}")
            untrained_run(tmp_path / f"{clip}{seed}", *SMALL, *corruption, f"seed={seed}")
    evaluate.main([f"run={tmp_path}", "accelerator=cpu"])
    screen = capsys.readouterr().out
    for run in ("false0  synthetic, gaussian 0.3, clip=false", "true1  synthetic, gaussian 0.3, clip=true"):
        assert run in screen


def test_the_groups_are_those_of_train() -> None:
    groups = ("corruption=gaussian", "data=mnist")
    assert compose_evaluate(groups)["corruption"] == configure("corruption=gaussian").plain["corruption"]


def test_a_batch_of_one_image_counts_in_no_mmd(tmp_path: Path) -> None:
    """Of five images in batches of 2, 2 and 1 the mean is that of the first two; there is none where all are alone."""
    given = ("latent=wae", "channels=[4]", *IMAGES[:3], "data.source.test=5")
    run = untrained_run(tmp_path / "run", *given, "data.eval_batch_size=2")
    (record,) = evaluated(run)
    model, batch = hourglass.load_run(run), hourglass.load_data(run).pick("test", range(5))
    drawn = noise.normal(batch.key, model.latent.noise_shape, "latent")
    with torch.no_grad():
        codes = model.embed(batch.input)
    by_batch = [mmd(codes[part], drawn[part]).item() for part in (slice(0, 2), slice(2, 4))]
    assert record["metrics"]["test/mmd"] == pytest.approx(sum(by_batch) / 2, rel=1e-4)
    assert math.isfinite(record["metrics"]["test/loss"])
    (record,) = evaluated(untrained_run(tmp_path / "alone", *given, "data.eval_batch_size=1"))
    assert record["metrics"]["test/mmd"] is None
    assert record["metrics"]["test/mse"] > 0
