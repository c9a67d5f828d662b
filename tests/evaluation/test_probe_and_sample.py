"""`probe` and `sample` as their users run them, and what others read of it."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

import hourglass
from helpers.project import ROOT, run_command
from helpers.untrained_runs import untrained_run
from hourglass.cli import runs as listing
from hourglass.cli.codes import probe, sample
from hourglass.core.errors import ConfigError, DataError, IncompatiblePair, Torn
from hourglass.data import noise
from hourglass.metrics.codes.probes import read_off
from hourglass.nn.contract import Quantised, Variational
from hourglass.report.reading import runs
from hourglass.runs.evaluation.codes import probe as probing
from hourglass.runs.evaluation.codes import records
from hourglass.runs.evaluation.codes.sample import chosen, draw
from hourglass.runs.evaluation.codes.sample_options import parse_options

KEPT = ROOT / "tests" / "fixtures" / "format1" / "run"
DENSE = ("model=linear", "latent=dense", "latent.dim=3", "encoder.dim=20")
SYNTHETIC = (
    "data=synthetic",
    "data.image_shape=[1,8,8]",
    "data.source.train=200",
    "data.source.test=40",
    "data.val_size=20",
)


def kept(run: Path, name: str) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((run / "codes" / f"{name}.json").read_text(encoding="utf-8"))
    return record


def test_a_probe_of_labels_and_what_reads_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = untrained_run(tmp_path / "run", *DENSE)
    probe.main([f"run={run}", "train=300", "test=200"])
    metrics = kept(run, "probe")["metrics"]
    assert "the most frequent label" in capsys.readouterr().out
    for reader in ("knn", "logistic"):
        assert metrics["probe/chance"] < metrics[f"probe/{reader}"] < metrics[f"probe/{reader}_pixels"]
    probe.main([f"run={run}", "train=300", "test=200"])
    assert kept(run, "probe")["metrics"] == metrics
    listing.main(["compare", str(run), str(run)])
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("probe/knn_pca"))
    assert line.split()[1:] == [f"{metrics['probe/knn_pca']:.4g}"] * 2


@pytest.mark.slow
def test_what_runs_have_in_common_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Codes of each run; pixels once, and their components once for codes of one size. Other images are others."""
    read: list[int] = []

    def counting(train: np.ndarray, *rest: Any, standardise: bool) -> dict[str, float]:
        read.append(train.shape[1])
        return read_off(train, *rest, standardise=standardise)

    monkeypatch.setattr(probing, "read_off", counting)
    monkeypatch.setattr(probing, "_known_of_pixels", {})
    sizes = {"first": 3, "second": 3, "third": 4}
    of_all = [untrained_run(tmp_path / name, *DENSE, f"latent.dim={dim}") for name, dim in sizes.items()]
    for run in of_all:
        probe.main([f"run={run}", "train=300", "test=200"])
    assert read == [3, 784, 3, 3, 4, 4]
    first, second = (kept(run, "probe")["metrics"] for run in of_all[:2])
    assert first == second
    probe.main([f"run={of_all[0]}", "train=100", "test=200"])
    assert read[6:] == [3, 784, 3]
    assert kept(of_all[0], "probe")["metrics"]["probe/knn_pixels"] < first["probe/knn_pixels"]


def test_the_report_reads_it_and_distrusts_it(tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(KEPT, run)
    identity = json.loads((run / "summary.json").read_text(encoding="utf-8"))["id"]
    records.write(run, "probe", identity, {"probe/r2_angle": 0.5, "probe/r2_kind": float("nan")}, {}, "7e577e57")
    read = runs.read(run)
    assert (read.others, read.runs[0].metrics["probe/r2_angle"]) == ([], 0.5)
    assert np.isnan(read.runs[0].metrics["probe/r2_kind"])
    path = run / "codes" / "probe.json"
    whole = json.loads(path.read_text(encoding="utf-8"))
    for change, message in (
        ({"metrics": {"test/mse": 0.0}}, "holds test/mse, which is nothing that a code is worth"),
        ({"metrics": {"probe/knn": 1.5}}, "probe/knn is 1.5, and lies between 0 and 1"),
        ({"weights": "00000000"}, r"of other weights; python probe\.py run="),
        ({"metrics": {"probe/knn": "high"}}, "is not whole"),
    ):
        path.write_text(json.dumps(whole | change), encoding="utf-8")
        read = runs.read(run)
        assert not any(name.startswith("probe/") for name in read.runs[0].metrics)
        with pytest.raises(AssertionError, match=message):
            raise AssertionError(read.others[0].reason)
    path.write_text("{", encoding="utf-8")
    with pytest.raises(Torn, match=r"probe\.json is not whole"):
        records.metrics_of(run)


@pytest.mark.slow
def test_both_in_processes_of_their_own(tmp_path: Path) -> None:
    run = untrained_run(tmp_path / "run", *DENSE, *SYNTHETIC)
    for command, words in (("probe", "probe/r2_level"), ("sample", "64 samples by gmm")):
        done = run_command(f"{command}.py", f"run={run}")
        assert done.returncode == 0, done.stderr
        assert words in done.stdout
    assert {path.name for path in (run / "codes").iterdir()} == {"probe.json", "samples_gmm.json", "samples_gmm.png"}


@pytest.mark.slow
def test_samples_of_a_mixture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = untrained_run(tmp_path / "run", *DENSE, *SYNTHETIC)
    sample.main([f"run={run}", "n=18", "components=2"])
    printed = capsys.readouterr().out
    assert "18 samples by gmm" in printed
    assert "Fréchet distance (PCA, 18 each)" in printed
    metrics = kept(run, "samples_gmm")["metrics"]
    assert set(metrics) == {
        f"sample/{name}_gmm" for name in ("nearest", "nearest_test", "copies", "frechet_pca", "frechet_pca_bias")
    }
    with Image.open(run / "codes" / "samples_gmm.png") as picture:
        assert picture.height == 3 * (8 * 11 + 2) + 2  # 16 samples, what is nearest to them, and 2 more
    assert kept(run, "samples_gmm")["options"]["compared"] == 18
    sample.main([f"run={run}", "n=30", "components=2"])  # of 40 test images
    assert "Fréchet distance (PCA, 20 each)" in capsys.readouterr().out
    assert [kept(run, "samples_gmm")["options"][name] for name in ("n", "compared")] == [30, 20]
    with pytest.raises(ConfigError, match=r"components=50 .* to the codes of 2 training images: use components=2 or"):
        sample.main([f"run={run}", "components=50", "train=2"])
    with pytest.raises(ConfigError, match="has no prior to sample from: use sampler=gmm, or train with model=vae"):
        sample.main([f"run={run}", "sampler=prior"])
    with pytest.raises(ConfigError, match=r"the codes of .* are real numbers: use sampler=gmm"):
        sample.main([f"run={run}", "sampler=frequencies"])
    with pytest.raises(ConfigError, match="n=1: input should be greater than or equal to 2"):
        sample.main([f"run={run}", "n=1"])


@pytest.mark.parametrize("sampler", ["gmm", "flow"])
def test_a_code_that_is_the_same_for_all_images_is_not_sampled(tmp_path: Path, sampler: str) -> None:
    run = untrained_run(tmp_path / "run", *DENSE, *SYNTHETIC)
    path = run / "checkpoints" / "best.ckpt"
    checkpoint = torch.load(path, weights_only=True)
    checkpoint["state_dict"]["autoencoder.latent.down.weight"].zero_()
    torch.save(checkpoint, path)
    with pytest.raises(DataError, match="the 3 numbers of a code are the same for all 180 training images"):
        sample.main([f"run={run}", f"sampler={sampler}"])
    probe.main([f"run={run}"])
    metrics = kept(run, "probe")["metrics"]
    assert all(abs(metrics[f"probe/r2_{factor}"]) < 0.2 for factor in ("kind", "angle", "level"))


class WholeNumbers(torch.nn.Module):
    """Each number of the code rounded: what `sample` needs of a latent whose codes are whole numbers, and no more."""

    noise_shape = None

    def codes(self, code: Tensor) -> Tensor:
        return (10 * code).round().long()

    def decode_codes(self, codes: Tensor) -> Tensor:
        return codes / 10


@torch.no_grad()
def test_the_prior_is_drawn_as_in_training_and_whole_numbers_by_their_frequencies(tmp_path: Path) -> None:
    run = untrained_run(tmp_path / "run", "model=vae", "channels=[4]", "latent.dim=2", *SYNTHETIC)
    model, data = hourglass.load_run(run), hourglass.load_data(run)
    options = parse_options([f"run={run}", "n=7", "batch_size=5"])
    assert isinstance(model.latent, Variational)
    assert chosen(model, options) == "prior"
    expected = model.sample(noise.prior(0, 7, (2,), "cpu"))
    torch.testing.assert_close(torch.cat(draw(model, data, "prior", options)), expected)

    model.latent = WholeNumbers()
    assert isinstance(model.latent, Quantised)
    assert chosen(model, options) == "frequencies"
    images = torch.cat(draw(model, data, "frequencies", options))
    assert images.shape == (7, 1, 8, 8)
    assert images.unique(dim=0).shape == images.shape
    with pytest.raises(ConfigError, match=r"the codes of .* are whole numbers: use sampler=frequencies"):
        chosen(model, parse_options([f"run={run}", "sampler=flow"]))


@pytest.mark.slow
@pytest.mark.parametrize("latent", ["vq", "rvq", "fsq"])
def test_quantised_codes_have_no_prior_and_are_sampled_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], latent: str
) -> None:
    run = untrained_run(tmp_path / "run", f"latent={latent}", "channels=[4]", *SYNTHETIC)
    sample.main([f"run={run}", "n=8"])
    assert "8 samples by frequencies (a baseline: each position by itself)" in capsys.readouterr().out
    assert (run / "codes" / "samples_frequencies.png").exists()
    model = hourglass.load_run(run)
    with pytest.raises(IncompatiblePair, match="a quantised latent has no prior"):
        model.sample(torch.zeros(1, 1))


def test_what_cannot_be_probed_or_sampled_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unpooled = untrained_run(tmp_path / "a", "decoder=max_unpool", "channels=[4]", *SYNTHETIC)
    with pytest.raises(IncompatiblePair, match="a code by itself has no argmax indices to decode it with"):
        sample.main([f"run={unpooled}"])
    changed = untrained_run(tmp_path / "b", *DENSE, *SYNTHETIC)
    summary = json.loads((changed / "summary.json").read_text(encoding="utf-8"))
    summary["data"] = {"test_fingerprint": "00000000"}
    (changed / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    for command in (probe, sample):
        with pytest.raises(DataError, match=r"tested on other images .*: put back those of then"):
            command.main([f"run={changed}"])
    few = untrained_run(tmp_path / "c", *DENSE, *SYNTHETIC[:3], "data.source.test=3", "data.val_size=20")
    monkeypatch.setattr("hourglass.runs.evaluation.codes.sample.draw", lambda *_: pytest.fail("it was drawn"))
    with pytest.raises(DataError, match=r"3 test images are too few .*: use a run on data with more"):
        sample.main([f"run={few}"])


@pytest.mark.parametrize("latent", ["dense", "topk", "contractive", "contractive_by_probes", "none"])
def test_a_code_without_a_prior_names_the_sampler_that_it_has(tmp_path: Path, latent: str) -> None:
    option, _, by_probes = latent.partition("_")
    more = [] if option == "none" else [*DENSE[2:3], f"latent={option}"]
    more += ["latent.k=2"] if option == "topk" else ["latent.probes=2"] if by_probes else []
    run = untrained_run(tmp_path / "run", "model=linear", *more, *SYNTHETIC)
    with pytest.raises(ConfigError, match="has no prior to sample from: use sampler=gmm, or train with model=vae"):
        sample.main([f"run={run}", "sampler=prior"])
