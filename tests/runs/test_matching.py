"""Fair by construction: widths that cost the same, and seeds that pair the jobs of a sweep."""

import json
import logging
from pathlib import Path

import pytest
import torch

import hourglass
from helpers.project import TINY, autoencoder_for, configure, options, pair_for, parts, run_train
from hourglass.config.parts import Parts
from hourglass.core.errors import ConfigError, IncompatiblePair
from hourglass.metrics import cost
from hourglass.runs.matching import CLOSE, COUNTED, LIMIT, matched

DIGITS = (1, 28, 28)
NARROW, WIDE = "channels=[16,32]", "channels=[32,64]"
TARGETS = {  # what maxpool and transpose cost, counted by hand
    ("params", NARROW): 2 * (9 * 16 * 1 + 9 * 32 * 16) + (16 + 32 + 16 + 1),
    ("params", WIDE): 2 * (9 * 32 * 1 + 9 * 64 * 32) + (32 + 64 + 32 + 1),
    ("macs", NARROW): 9 * 16 * (28**2 + 14**2) + 9 * 32 * 16 * (14**2 + 7**2),
    ("macs", WIDE): 9 * 32 * (28**2 + 14**2) + 9 * 64 * 32 * (14**2 + 7**2),
}


WHOLE = ("params", "macs")
"""What scales encoder and decoder; tests/runs/test_matching_decoders.py has the rest."""


def distance(chosen: Parts, kind: str, target: int) -> float:
    return abs(cost.of(chosen.autoencoder(DIGITS))[COUNTED[kind][0]] / target - 1)


def channels_of(chosen: Parts) -> list[int]:
    channels: list[int] = chosen.configuration.plain["channels"]
    return channels


@pytest.mark.slow
@pytest.mark.parametrize("kind", WHOLE)
@pytest.mark.parametrize(
    ("encoder", "decoder"), [("maxpool", "subpixel"), ("strided", "resize"), ("dcae", "haar"), ("haar", "dysample")]
)
def test_a_pair_costs_what_the_reference_does(encoder: str, decoder: str, kind: str) -> None:
    chosen = matched(parts(f"encoder={encoder}", f"decoder={decoder}", f"match={kind}", NARROW))
    assert distance(chosen, kind, TARGETS[kind, NARROW]) <= LIMIT


@pytest.mark.slow
@pytest.mark.parametrize("channels", [NARROW, WIDE])
@pytest.mark.parametrize("kind", WHOLE)
@pytest.mark.parametrize("encoder", options("encoder"))
def test_every_pair_costs_the_same_or_says_why_not(encoder: str, kind: str, channels: str) -> None:
    refused: dict[str, str] = {}
    for decoder in options("decoder"):
        try:
            chosen = matched(parts(f"encoder={encoder}", f"decoder={decoder}", f"match={kind}", channels))
        except IncompatiblePair:
            continue
        except ConfigError as error:
            refused[decoder] = str(error)
        else:
            assert distance(chosen, kind, TARGETS[kind, channels]) <= LIMIT, decoder
    # CARAFE's small network alone costs more than the target, so do the dense weights of decoder=linear
    assert all("with match_to a cost" in message or "encoder=strided" in message for message in refused.values())
    assert set(refused) == (
        {"linear"} if encoder == "linear" else {"carafe"} | ({"linear"} if kind == "params" else set())
    )


@pytest.mark.slow
def test_the_reference_keeps_its_widths() -> None:
    for kind in WHOLE:
        target = f"match_to={TARGETS[kind, NARROW] * 1.0}"  # 1.5e6 is a number too
        pair = ("encoder=maxpool", "decoder=transpose", NARROW)
        chosen = matched(parts(*pair, f"match={kind}", target)).configuration.plain
        assert chosen == matched(parts(*pair, f"match={kind}")).configuration.plain
        assert chosen == configure("model=conv", *pair).plain


@pytest.mark.slow
def test_the_widths_that_cost_a_target_are_found_again() -> None:
    fair = ("encoder=haar", "decoder=subpixel")
    for widths in ([10, 20], [41, 82], [8, 16, 32]):
        nominal = [width * 4 for width in widths]
        costs = cost.of(autoencoder_for(DIGITS, *fair, f"channels={widths}"))
        for kind in WHOLE:
            target = costs[COUNTED[kind][0]]
            wanted = parts(*fair, f"match={kind}", f"match_to={target}", f"channels={nominal}")
            assert channels_of(matched(wanted)) == widths


@pytest.mark.slow
def test_everything_but_the_pair_is_in_the_target() -> None:
    """A dense latent of 64 numbers has more weights than the stages, in the target too."""
    given = parts("latent=dense", "latent.dim=64", "decoder=subpixel", "match=params")
    reference = cost.of(autoencoder_for(DIGITS, "latent=dense", "latent.dim=64"))["num_params"]
    assert reference > 20 * TARGETS["params", NARROW]
    assert distance(matched(given), "params", int(reference)) <= CLOSE


@pytest.mark.slow
@pytest.mark.parametrize(("decoder", "extra"), [("resize", ["blocks=1", "norm=group"]), ("dysample", [])])
def test_groups_of_channels_stay_as_they_are(decoder: str, extra: list[str]) -> None:
    """4 channels in each group of the norm, 4 groups of DySample: only multiples of 4 keep that."""
    given = parts("encoder=haar", f"decoder={decoder}", "match=macs", WIDE, *extra)
    assert all(width % 4 == 0 for width in channels_of(matched(given)))


def test_the_choice_is_said_and_nothing_else_changes(caplog: pytest.LogCaptureFixture) -> None:
    torch.manual_seed(0)
    before, given = torch.get_rng_state(), parts("decoder=subpixel", "match=params", NARROW)
    with caplog.at_level(logging.INFO, "hourglass.runs.matching"):
        chosen = matched(given)
    assert torch.equal(torch.get_rng_state(), before)
    assert channels_of(given) == [16, 32]
    assert (chosen.settings.match, chosen.settings.match_to) == (None, None)
    parameters = cost.of(chosen.autoencoder(DIGITS))["num_params"]
    message = f"match=params: channels {channels_of(chosen)} instead of [16, 32], {parameters:,} parameters ("
    assert message in caplog.text
    assert caplog.text.count("\n") == 1
    as_before = chosen.configuration.with_values({"channels": [16, 32], "encoder.channels": [16, 32]})
    assert as_before.plain == configure("model=conv", "decoder=subpixel", NARROW).plain


@pytest.mark.parametrize(
    ("overrides", "error", "message"),
    [
        (["match=flops"], ConfigError, "match=flops: input should be 'params', 'macs', 'decoder_params'"),
        (["match=params", "match_to=0"], ConfigError, "match_to=0: input should be greater than 0"),
        (["match_to=9000"], ConfigError, "no effect without match"),
        (["match=macs", "decoder=carafe"], ConfigError, r"the best are \[1, 1\] with .*: use wider channels"),
        (["match=params", "encoder=linear", "decoder=linear"], ConfigError, "leave this one out of the sweep"),
        (["match=params", "encoder=linear"], IncompatiblePair, "use decoder=linear"),
        (["match=params", "encoder=strided", "decoder=max_unpool"], IncompatiblePair, "use encoder=maxpool"),
    ],
)
def test_what_cannot_be_matched_is_refused(overrides: list[str], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        matched(parts(*overrides))


# Seeds pair the jobs


def test_jobs_of_one_seed_see_the_same_split_batches_and_corruption() -> None:
    seen = []
    for pair in (["encoder=maxpool", "decoder=transpose"], ["encoder=haar", "decoder=subpixel", "channels=[8]"]):
        data = Parts(configure("model=denoising", "data=synthetic", "seed=3", *pair)).data
        data.setup()
        batches = []
        for data.epoch in (0, 1):
            first = next(iter(data.train_dataloader()))
            batches += [
                data.prepare(first, "train", data.epoch),
                data.pick("val", range(8)),
                data.pick("test", range(8)),
            ]
        seen.append([part for batch in batches for part in (batch.input, batch.target, batch.key)])
    for one, other in zip(*seen, strict=True):
        assert torch.equal(one, other)
    assert not torch.equal(seen[0][0], seen[0][9])  # another order in epoch 1


def weights(encoder: str, decoder: str) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    model = pair_for(DIGITS, encoder, decoder)
    return model.encoder.state_dict(), model.decoder.state_dict()


def shapes(state: dict[str, torch.Tensor]) -> dict[str, torch.Size]:
    return {key: value.shape for key, value in state.items()}


def test_encoders_of_the_same_shapes_start_from_the_same_weights() -> None:
    reference, same = weights("maxpool", "transpose"), set()
    for encoder in options("encoder"):
        state = weights(encoder, "linear" if encoder == "linear" else "transpose")
        if shapes(state[0]) == shapes(reference[0]):
            same.add(encoder)
            for one, other in zip(state, reference, strict=True):  # and the decoder goes on drawing from there
                assert all(torch.equal(one[key], other[key]) for key in other), encoder
    assert {"avgpool", "blurpool", "lp_pool", "max_blurpool", "strided", "subsample"} < same


def test_the_encoder_does_not_depend_on_the_decoder_and_decoders_draw_alike() -> None:
    """Where decoders have the same shapes their draws are the same, but for the scale that matches their power."""
    (encoder, resize), same = weights("maxpool", "resize"), set()
    for decoder in options("decoder"):
        state = weights("aps" if decoder == "aps" else "maxpool", decoder)
        assert all(torch.equal(state[0][key], encoder[key]) for key in encoder), decoder
        if shapes(state[1]) == shapes(resize):
            same.add(decoder)
            for key, value in state[1].items():
                scale = resize[key].abs().max() / value.abs().max() if value.any() else 1.0
                torch.testing.assert_close(value * scale, resize[key])
    assert {"bilinear", "nearest", "fir", "max_unpool", "bed_of_nails"} < same


def test_match_to_alone_is_refused_and_the_encoder_s_own_widths_are_scaled(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="match_to has no effect without match"):
        matched(parts("match_to=1000"))
    scaled = matched(parts("encoder.channels=[8,16]", "match=params", "decoder=subpixel"))
    assert channels_of(scaled) == scaled.configuration.plain["encoder"]["channels"]
    target = cost.of(autoencoder_for(DIGITS, "channels=[8,16]"))["num_params"]
    assert distance(scaled, "params", int(target)) <= CLOSE


@pytest.mark.slow
def test_a_run_with_the_encoder_s_own_widths_loads(tmp_path: Path) -> None:
    for name, extra in {"own": [], "scaled": ["match=params"]}.items():
        tiny = [o for o in TINY if not o.startswith("channels")]
        done = run_train(tmp_path / name, *tiny, "model=conv", "encoder.channels=[8,16]", "decoder=subpixel", *extra)
        assert done.returncode == 0, done.stderr
        summary = json.loads((tmp_path / name / "summary.json").read_text(encoding="utf-8"))
        shapes = hourglass.load_run(tmp_path / name).encoder.spec.shapes[1:]
        assert [shape[0] for shape in shapes] == summary["channels"]
        assert (summary["channels"] == [8, 16]) == (name == "own")
