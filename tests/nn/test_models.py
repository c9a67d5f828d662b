"""Latents, losses and the autoencoder against closed forms."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from helpers.project import autoencoder_for, batch_of, options, parts
from hourglass.core.errors import ConfigError, IncompatiblePair
from hourglass.nn.autoencoder import Reconstruction
from hourglass.nn.contract import CodeSpec
from hourglass.nn.latents import GaussianLatent
from hourglass.training.losses import judged


@pytest.mark.parametrize("latent", options("latent"))
@pytest.mark.parametrize(
    "encoder",
    [
        pytest.param(name, marks=[] if name in ("linear", "maxpool") else pytest.mark.slow)
        for name in options("encoder")
    ],
)
def test_every_latent_keeps_the_shape_of_every_code(encoder: str, latent: str) -> None:
    decoder = "linear" if encoder == "linear" else "resize"
    if (encoder, latent) == ("linear", "gaussian_spatial"):
        with pytest.raises(IncompatiblePair, match=r"flat code .*: use latent=gaussian"):
            autoencoder_for((3, 33, 45), f"encoder={encoder}", f"latent={latent}", f"decoder={decoder}")
        return
    model = autoencoder_for((3, 33, 45), f"encoder={encoder}", f"latent={latent}", f"decoder={decoder}")
    x = batch_of((3, 33, 45), 4)
    code = model.encoder(x).code
    coded = model.latent(code, None)
    assert coded.code.shape == code.shape
    assert model.embed(x).shape == (4, model.latent.code_size)
    assert coded.regularization.shape == ()
    if model.latent.noise_shape is None:
        with pytest.raises(IncompatiblePair, match="use model=vae"):
            model.sample(torch.zeros(2, 16))
    else:
        assert model.generative
        assert model.sample(torch.zeros(2, *model.latent.noise_shape)).shape == (2, 3, 33, 45)


def test_a_prior_has_no_positions_for_max_unpooling() -> None:
    model = autoencoder_for((1, 28, 28), "model=vae", "decoder=max_unpool")
    assert not model.generative
    with pytest.raises(IncompatiblePair, match="no argmax indices to decode it with: use a decoder without"):
        model.sample(torch.zeros(2, 16))


def test_the_kl_divergence_is_that_of_torch_distributions() -> None:
    torch.manual_seed(0)
    latent = GaussianLatent(
        CodeSpec(((1, 4, 4), (8,)), None), dim=5, activation="relu", beta=0.5, warmup_steps=10, free_bits=0.3
    )
    code = torch.randn(7, 8)
    mean, std = latent.mean(code), (latent.logvar(code) / 2).exp()
    normal = torch.distributions.Normal
    kl = torch.distributions.kl_divergence(normal(mean, std), normal(torch.zeros_like(mean), torch.ones_like(std)))
    noise = torch.randn(7, 5)

    latent.eval()
    evaluated = latent(code, noise)
    torch.testing.assert_close(evaluated.logs["kl"], kl.sum(1).mean())
    torch.testing.assert_close(evaluated.regularization, 0.5 * kl.sum(1).mean())
    torch.testing.assert_close(evaluated.code, latent.sample(mean + std * noise))
    torch.testing.assert_close(latent(code, None).code, latent.sample(mean))

    latent.train()
    for step in range(1, 13):  # warm-up over 10 steps; what is below the free bits costs as much as they
        expected = 0.5 * min(step / 10, 1) * kl.mean(0).clamp(min=0.3).sum()
        torch.testing.assert_close(latent(code, noise).regularization, expected)


def test_linear_is_exactly_the_source_s_net() -> None:
    model = autoencoder_for((1, 28, 28), "model=linear", "encoder.dim=7")
    layers = [module for module in model.modules() if not list(module.children())]
    assert [type(layer).__name__ for layer in layers] == ["Linear", "ReLU", "NoLatent", "Linear"]
    x = batch_of((1, 28, 28), 3)
    first, _, _, second = layers
    expected = (first(x.flatten(1)).relu() @ second.weight.T + second.bias).sigmoid().view_as(x)
    torch.testing.assert_close(model(x), expected)
    affine = autoencoder_for((1, 28, 28), "model=linear", "encoder.activation=none", "model.output=identity")
    torch.testing.assert_close(affine(x) + affine(x.flip(0)), 2 * affine((x + x.flip(0)) / 2))
    assert affine(5 * x).max() > 1


def test_losses_are_sums_over_pixels() -> None:
    torch.manual_seed(0)
    logits, target = torch.randn(4, 3, 18, 18), torch.rand(4, 3, 18, 18)
    made = Reconstruction(logits.sigmoid(), logits, torch.zeros(()))
    values = {name: judged(parts(f"loss={name}").loss, made, target).loss for name in options("loss")}
    p = logits.sigmoid().double()
    bce = -(target * p.log() + (1 - target) * (1 - p).log())
    gaussian = -torch.distributions.Normal(p, math.sqrt(0.01)).log_prob(target.double())
    expected = {"mse": (p - target) ** 2, "l1": (p - target).abs(), "bce": bce, "gaussian": gaussian}
    for name, value in expected.items():
        torch.testing.assert_close(values[name].double(), value.sum((1, 2, 3)), rtol=1e-5, atol=1e-4)
    assert all(value.shape == (4,) for value in values.values())
    perfect = Reconstruction(target, None, torch.zeros(()))
    for name in set(options("loss")) - {"bce", "gaussian"}:
        loss = parts(f"loss={name}").loss
        torch.testing.assert_close(judged(loss, perfect, target).loss, torch.zeros(4), rtol=0, atol=1e-3)
    with pytest.raises(ConfigError, match=r"loss=bce needs pixels in \[0, 1\]: use model.output=sigmoid"):
        parts("loss=bce").loss(perfect, target)


@pytest.mark.parametrize("loss", [name for name in options("loss") if name != "lpips"])  # which refuses them
@pytest.mark.parametrize("side", [2, 3, 5, 11])
def test_every_loss_takes_the_smallest_images(loss: str, side: int) -> None:
    target = torch.rand(3, 1, side, side)
    logits = torch.zeros_like(target, requires_grad=True)
    made = Reconstruction(logits.sigmoid(), logits, torch.zeros(()))
    judged(parts(f"loss={loss}").loss, made, target).loss.sum().backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


def test_the_same_seed_gives_the_same_encoder_under_any_decoder() -> None:
    weights = [
        autoencoder_for((1, 28, 28), f"decoder={decoder}").encoder.state_dict()
        for decoder in ("transpose", "resize", "subpixel", "max_unpool")
    ]
    for other in weights[1:]:
        assert all(torch.equal(weights[0][name], other[name]) for name in other)


def test_matched_initialisation_evens_out_what_pytorch_s_default_does_not() -> None:
    def power(option: str, init: str) -> float:
        up = autoencoder_for((1, 28, 28), f"decoder={option}", f"init={init}").decoder.stages[-1]
        y = torch.randn(64, 32, 7, 7)
        return up(y, (14, 14), None)[..., 2:-2, 2:-2].square().mean().item()

    default = power("transpose", "default") / power("resize", "default")
    matched = power("transpose", "matched") / power("resize", "matched")
    assert default < 0.6 or default > 1.7
    assert math.isclose(matched, 1, rel_tol=0.25)


@pytest.mark.parametrize("output", ["sigmoid", "identity"])
def test_an_untrained_autoencoder_starts_at_the_mean_of_the_training_images(output: str) -> None:
    """Each channel at its own mean; loaded weights bring their own bias with them."""
    model = autoencoder_for((3, 9, 9), f"model.output={output}", "decoder=resize")
    for weights in model.decoder.parameters():
        nn.init.zeros_(weights)
    mean = torch.tensor([0.1, 0.5, 0.9])
    model.init_output_bias(mean)
    assert model(torch.rand(2, 3, 9, 9)).mean((0, 2, 3)).tolist() == pytest.approx(mean.tolist())
    other = autoencoder_for((3, 9, 9), f"model.output={output}", "decoder=resize")
    other.load_state_dict(model.state_dict())
    assert torch.equal(other.output_bias, model.output_bias)


def test_the_mean_of_black_images_is_no_dead_end() -> None:
    model = autoencoder_for((1, 9, 9))
    model.init_output_bias(torch.zeros(1))
    assert model.output_bias.item() == pytest.approx(math.log(0.01 / 0.99), rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("decoder", [option for option in options("decoder") if option not in ("linear", "aps")])
def test_measured_initialisation_passes_on_the_same_power_exactly(decoder: str) -> None:
    """Twice the input's, of which a ReLU takes half, at every stage, on the images that it was measured on."""
    digits = parts().data
    digits.setup()
    images = digits.pick("test", range(64)).input
    model = autoencoder_for((1, 28, 28), f"decoder={decoder}", "init=measured")
    drawn = autoencoder_for((1, 28, 28), f"decoder={decoder}", "init=matched")
    assert all(map(torch.equal, model.parameters(), drawn.parameters()))
    model.match_power(images)
    encoded = model.encoder(images)
    for _, _, y, x in model.decoder.walk(encoded):
        assert (x.square().mean() / y.square().mean()).item() == pytest.approx(2, rel=1e-3)


def test_power_is_measured_for_a_convolution_of_that_name_alone() -> None:
    model = autoencoder_for((1, 28, 28), "decoder=resize")
    model.decoder.stages[1] = nn.Upsample(scale_factor=2)
    model.decoder.stages[1].forward = lambda y, size, index: F.interpolate(y, size)[:, :16]
    with pytest.raises(ConfigError, match="and Upsample has none of that name: use init=matched"):
        model.match_power(torch.rand(2, 1, 28, 28))


def test_a_decoder_has_widths_of_its_own_between_the_image_and_the_code() -> None:
    model = autoencoder_for((3, 28, 28), "channels=[4,8,16]", "decoder.channels=[5,6]", "decoder=resize", "blocks=1")
    assert [tuple(stage.conv.weight.shape[:2]) for stage in model.decoder.stages] == [(3, 5), (5, 6), (6, 16)]
    assert [shape[0] for shape in model.encoder.spec.shapes] == [3, 4, 8, 16]
    same = autoencoder_for((1, 28, 28), "decoder.channels=[16]", "decoder=max_unpool")
    for key, value in autoencoder_for((1, 28, 28), "decoder=max_unpool").state_dict().items():
        assert torch.equal(same.state_dict()[key], value)  # the encoder's, said


@pytest.mark.parametrize(
    ("overrides", "error", "message"),
    [
        (("decoder.channels=[8,8]",), ConfigError, r"decoder.channels=\[8, 8\] do not fit 2 stages: give the 1 width"),
        (("decoder.channels=[8]", "channels=[16]"), ConfigError, "do not fit 1 stage"),
        (("decoder.channels=[0]",), ConfigError, r"decoder.channels\[0\]=0: input should be greater than"),
        (("decoder.channels=[8]", "decoder=max_unpool"), IncompatiblePair, r"channels \[16\], not \[8\]: leave out"),
    ],
)
def test_widths_that_do_not_fit_are_refused(overrides: tuple[str, ...], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        autoencoder_for((1, 28, 28), *overrides)
