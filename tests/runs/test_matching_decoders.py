"""Fair decoders: `match=decoder_…` scales `decoder.channels`, and leaves encoder and code as they are."""

import json
import logging
from pathlib import Path

import pytest
import torch

import hourglass
from helpers.project import TINY, autoencoder_for, parts, run_train
from hourglass.config.parts import Parts
from hourglass.core.errors import ConfigError, IncompatiblePair
from hourglass.metrics import cost
from hourglass.nn import Autoencoder
from hourglass.runs.matching import CLOSE, LIMIT, matched

DIGITS = (1, 28, 28)
NARROW = "channels=[16,32]"
INNER = {  # of [16, 32] on the digits: what brings a decoder to 9·32·16·7² + 9·16·14² multiply-adds, or to its weights
    ("decoder_macs", "transpose"): [16],
    ("decoder_macs", "resize"): [4],  # a quarter: 4 times the pixels
    ("decoder_macs_fused", "resize"): [9],  # 16 taps for each pixel of the coarse grid, not 36
    ("decoder_macs_fused", "subpixel"): [4],
    ("decoder_macs", "haar"): [36],
    ("decoder_params", "subpixel"): [4],
    ("decoder_params", "resize"): [16],
}


def encoder_shapes(model: Autoencoder) -> dict[str, torch.Size]:
    return {key: value.shape for key, value in model.encoder.state_dict().items()}


@pytest.mark.parametrize(("kind", "decoder"), INNER)
def test_a_decoder_alone_is_scaled(kind: str, decoder: str, caplog: pytest.LogCaptureFixture) -> None:
    given = parts(f"decoder={decoder}", f"match={kind}", NARROW)
    with caplog.at_level(logging.INFO, "hourglass.runs.matching"):
        chosen = matched(given).configuration
    assert f"match={kind}: decoder.channels {INNER[kind, decoder]} " in caplog.text
    assert chosen.plain["decoder"]["channels"] == INNER[kind, decoder]
    before = given.configuration.with_values({"match": None, "decoder.channels": INNER[kind, decoder]})
    assert chosen.plain == before.plain
    model, nominal = Parts(chosen).autoencoder(DIGITS), autoencoder_for(DIGITS, f"decoder={decoder}", NARROW)
    assert encoder_shapes(model) == encoder_shapes(nominal)
    assert model.encoder.spec == nominal.encoder.spec
    reached, target = (cost.of(one)[kind] for one in (model, autoencoder_for(DIGITS, NARROW)))
    assert abs(reached / target - 1) <= LIMIT


def test_wider_decoders_are_a_larger_target() -> None:
    """decoder.channels=[64] is what transpose has there too, so that resize gets 16."""
    chosen = matched(parts("decoder=resize", "match=decoder_macs", "decoder.channels=[64]", NARROW)).configuration.plain
    assert (chosen["decoder"]["channels"], chosen["encoder"]["channels"]) == ([16], [16, 32])


@pytest.mark.slow
@pytest.mark.parametrize("encoder", ["strided", "aps", "dcae"])
def test_three_stages_and_any_encoder(encoder: str) -> None:
    given = (f"encoder={encoder}", "channels=[16,32,64]", "blocks=1")
    target = cost.of(autoencoder_for(DIGITS, *given, "decoder=transpose"))["decoder_macs_fused"]
    chosen = matched(parts(*given, "decoder=bilinear", "match=decoder_macs_fused"))
    assert abs(cost.of(chosen.autoencoder(DIGITS))["decoder_macs_fused"] / target - 1) <= CLOSE
    assert len(chosen.configuration.plain["decoder"]["channels"]) == 2


@pytest.mark.parametrize(
    ("overrides", "error", "message"),
    [
        (["match=decoder_macs", "decoder=max_unpool"], IncompatiblePair, r"the encoder's channels \[16\], not \[17\]"),
        (["match=decoder_macs", "decoder=linear"], ConfigError, "a decoder, and this one has none"),
        (["match=decoder_params", "channels=[16]"], ConfigError, "two channels or more"),
        (["match=decoder_macs", "decoder=carafe"], ConfigError, r"no decoder.channels .* \[1\] with .*: use wider"),
        (["match=decoder_macs", "encoder=linear"], IncompatiblePair, "use decoder=linear"),
    ],
)
def test_what_cannot_be_matched_is_refused(overrides: list[str], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        matched(parts(*overrides))


@pytest.mark.slow
def test_a_run_with_a_scaled_decoder_loads_resumes_and_is_saved(tmp_path: Path) -> None:
    tiny = [o for o in TINY if not o.startswith("channels")]
    command = (*tiny, "model=conv", "decoder=resize", "match=decoder_macs", NARROW)
    done = run_train(tmp_path / "run", *command)
    assert done.returncode == 0, done.stderr
    summary = json.loads((tmp_path / "run" / "summary.json").read_text(encoding="utf-8"))
    assert (summary["channels"], summary["decoder_channels"]) == ([16, 32], [4])
    assert summary["cost"]["latency_ms"] > summary["cost"]["decoder_latency_ms"] > 0
    model, images = hourglass.load_run(tmp_path / "run"), torch.rand(2, 1, 28, 28)
    hourglass.save_pretrained(tmp_path / "run", tmp_path / "saved")
    assert torch.equal(hourglass.from_pretrained(tmp_path / "saved")(images), model(images))
    interrupted = json.dumps(summary | {"status": "interrupted"})
    (tmp_path / "run" / "summary.json").write_text(interrupted, encoding="utf-8")
    again = run_train(tmp_path / "run", *command)
    assert "going on from" in again.stdout + again.stderr
    resumed = json.loads((tmp_path / "run" / "summary.json").read_text(encoding="utf-8"))
    assert (resumed["status"], resumed["decoder_channels"]) == ("completed", [4])
    assert resumed["metrics"]["test/mse"] == summary["metrics"]["test/mse"]
