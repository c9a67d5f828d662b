"""What people call on a trained autoencoder: encode, decode, embed and sample, and what each of them refuses."""

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor

from helpers.project import autoencoder_for, batch_of, options, parts
from helpers.variants import part
from hourglass.core.errors import DataError, IncompatiblePair
from hourglass.nn import Autoencoder, Encoded

SHAPE = (3, 21, 18)


def made(encoder: str, decoder: str, latent: str = "none", shape: tuple[int, ...] = SHAPE) -> Autoencoder:
    torch.manual_seed(0)
    sides = {"encoder": part("encoder", encoder), "decoder": part("decoder", decoder)}
    model: Autoencoder = parts().model(shape, latent=part("latent", latent), **sides)
    model.init_output_bias(torch.linspace(0.2, 0.7, shape[0]))
    return model.eval()


def between() -> Iterator[object]:
    """Every latent behind every encoder; in the quick suite one of the two is the plainest."""
    for encoder in options("encoder"):
        for latent in options("latent"):
            quick = latent == "none" or encoder == "strided"
            yield pytest.param(encoder, latent, marks=() if quick else pytest.mark.slow)


@pytest.mark.parametrize(("encoder", "latent"), between())
@torch.no_grad()
def test_decode_after_encode_is_forward_bit_for_bit(encoder: str, latent: str) -> None:
    x = batch_of(SHAPE, 3)
    for decoder in options("decoder"):
        try:
            model = made(encoder, decoder, latent)
        except IncompatiblePair:
            continue
        encoded = model.encode(x)
        assert encoded.code.shape == (3, *model.encoder.spec.code_shape)
        assert torch.equal(model.decode(encoded), model(x)), decoder
        assert torch.equal(model.embed(x), model.latent.embed(model.encoder(x).code))
        if model.decoder.needs_index is None:  # then nothing but the code reaches the decoder
            assert torch.equal(model.decode(Encoded(encoded.code, (None,) * len(encoded.indices))), model(x))


@torch.no_grad()
def test_decode_adds_the_output_bias_and_applies_the_output() -> None:
    model = made("strided", "resize")
    for weights in model.decoder.parameters():
        weights.zero_()
    means = model.decode(model.encode(batch_of(SHAPE, 2))).mean((0, 2, 3))
    assert means.tolist() == pytest.approx([0.2, 0.45, 0.7])


GREY = (1, 28, 28)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (torch.rand(2, 1, 64, 64), r"\(2, 1, 64, 64\), and this network takes \(N, 1, 28, 28\): resize .* to 28×28"),
        (torch.zeros(2, 1, 28, 28, dtype=torch.uint8), r"are uint8, .*use images\.float\(\) / 255"),
        (torch.rand(2, 1, 28, 28) * 255, r"go up to 25\d.*, and the network takes \[0, 1\]: use images / 255"),
        (torch.rand(2, 1, 28, 28) - 0.5, r"go from -0\.\d+ to 0\.\d+, .*corrupted=True"),
        (torch.rand(2, 1, 28, 28) + 0.5, r"go from 0\.\d+ to 1\.\d+, .*corrupted=True"),
        (torch.full((2, 1, 28, 28), torch.nan), "NaN or infinite values are in the images"),
        (torch.full((2, 1, 28, 28), torch.inf), "NaN or infinite values are in the images"),
        (torch.rand(2, 3, 28, 28), r"of 3 channels, .*: make them grey"),
        (torch.rand(2, 28, 28, 1), r"channels last, .*images\.permute\(0, 3, 1, 2\)"),
        (torch.rand(1, 28, 28), r"one without N, .*images\[None\]"),
        (torch.rand(5, 28, 28), r"without channels, .*images\[:, None\]"),
        (torch.rand(28, 28), "of rank 2"),
        (torch.tensor(0.5), "of rank 0"),
        (torch.rand(0, 1, 28, 28), "holds no images"),
        (torch.rand(2, 1, 28, 28).double(), r"are float64, the network float32: use images\.to\(torch\.float32\)"),
        (torch.rand(2, 1, 28, 28, device="meta"), r'are on meta, the network on cpu: use images\.to\("cpu"\)'),
        (torch.rand(2, 1, 28, 28).numpy(), r"numpy\.ndarray, are no tensor: use torch\.as_tensor\(images\)"),
        ([0.5], "of type list, are no tensor"),
    ],
)
def test_other_images_are_refused_with_the_cure(images: Tensor, message: str) -> None:
    model = made("maxpool", "resize", shape=GREY)
    for call in (model.encode, model.embed):
        with pytest.raises(DataError, match=message):
            call(images)


def test_corrupted_images_may_leave_the_range_and_forward_takes_what_it_gets() -> None:
    model = made("maxpool", "max_unpool", shape=GREY)
    noisy = batch_of(GREY, 2) * 2 - 0.5
    assert torch.equal(model.decode(model.encode(noisy, corrupted=True)), model(noisy))
    assert torch.equal(model.embed(noisy, corrupted=True), model.latent.embed(model.encoder(noisy).code))
    for wrong in (noisy * torch.nan, batch_of(GREY, 2) * 255):
        with pytest.raises(DataError, match=r"NaN|use images / 255"):
            model.embed(wrong, corrupted=True)
        assert model(wrong).shape == wrong.shape


CODE, NONE = torch.zeros(2, 32, 7, 7), (None, None)


@pytest.mark.parametrize(
    ("encoded", "message"),
    [
        (CODE, "a Tensor is no Encoded: decode what encode returns"),
        (Encoded(torch.zeros(2, 32, 7, 8), NONE), r"the code is \(2, 32, 7, 8\), .* takes \(N, 32, 7, 7\)"),
        (Encoded(torch.zeros(32, 7, 7), NONE), r"the code is \(32, 7, 7\)"),
        (Encoded(torch.zeros(0, 32, 7, 7), NONE), "holds no code"),
        (Encoded(CODE.int(), NONE), "the code is int32, the network float32"),
        (Encoded(CODE / 0, NONE), "NaN or infinite values are in the code"),
        (Encoded(CODE, ()), "one for each stage, 2 here"),
        (Encoded(CODE, [None, None]), "one for each stage"),
    ],
)
def test_what_no_encoder_sends_is_refused(encoded: Encoded, message: str) -> None:
    with pytest.raises(DataError, match=message):
        made("maxpool", "resize", shape=GREY).decode(encoded)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda index: None, r"indices\[0\] is missing, .*argmax .*encoder=maxpool"),
        (lambda index: index.float(), r"indices\[0\] is float32 .*, not int64 \(2, 16, 14, 14\)"),
        (lambda index: index.int(), r"is int32, not int64: use indices\[0\]\.long\(\)"),
        (lambda index: index[:1], r"not int64 \(2, 16, 14, 14\)"),
        (lambda index: index + 28 * 28, r"beyond 0 to 783"),
        (lambda index: index - 28 * 28, r"beyond 0 to 783"),
    ],
)
def test_indices_that_fit_no_image_are_refused(change: Callable[[Tensor], object], message: str) -> None:
    model = made("maxpool", "max_unpool", shape=GREY)
    encoded = model.encode(batch_of(GREY, 2))
    with pytest.raises(DataError, match=message):
        model.decode(encoded._replace(indices=(change(encoded.indices[0]), encoded.indices[1])))


def test_phases_that_no_grid_has_are_refused() -> None:
    model = made("aps", "aps", shape=GREY)
    encoded = model.encode(batch_of(GREY, 2))
    with pytest.raises(DataError, match=r"indices\[1\] goes from 4 to \d, beyond 0 to 3: .*encoder=aps"):
        model.decode(encoded._replace(indices=(encoded.indices[0], encoded.indices[1] * 0 + 4)))


@pytest.mark.parametrize(
    ("noise", "message"),
    [
        (torch.zeros(2, 15), r"\(2, 15\), and the prior takes \(N, 16\): use torch\.randn\(N, 16\)"),
        (torch.zeros(16), r"the noise is \(16,\)"),
        (torch.zeros(2, 16, dtype=torch.int64), "the noise is int64"),
        (torch.full((2, 16), torch.nan), "NaN or infinite values are in the noise"),
    ],
)
def test_noise_of_another_prior_is_refused(noise: Tensor, message: str) -> None:
    with pytest.raises(DataError, match=message):
        autoencoder_for(GREY, "model=vae").eval().sample(noise)
