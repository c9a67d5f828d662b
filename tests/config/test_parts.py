"""From a configuration to its parts: values are typed, options reach the part that takes them, all is made once."""

import sys
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import pytest

from helpers.project import configure, parts
from hourglass.config import overrides
from hourglass.config.parts import Parts
from hourglass.core.errors import ConfigError
from hourglass.core.types import Count


@pytest.mark.parametrize(
    ("override", "part", "message"),
    [
        ("optimizer.lr=abc", "optimizer", "optimizer.lr=abc: input should be a valid number"),
        ("optimizer.lr=nan", "optimizer", "optimizer.lr=nan: input should be a finite number"),
        ("optimizer.lr=0", "optimizer", "optimizer.lr=0: input should be greater than 0"),
        ("optimizer.lr=true", "optimizer", "optimizer.lr=True: input should be a valid number"),
        ("optimizer.betas=[0.9]", "optimizer", "optimizer.betas"),
        ("optimizer.schedule=linear", "optimizer", "optimizer.schedule=linear: input should be 'cosine' or 'none'"),
        ("channels=[0]", "encoder", r"encoder.channels\[0\]=0: input should be greater than or equal to 1"),
        ("channels=[]", "encoder", "encoder.channels"),
        ("channels=[16,1.5]", "encoder", r"encoder.channels\[1\]=1.5: input should be a valid integer"),
        ("channels=16", "encoder", "encoder.channels=16: input should be a valid"),
        ("factor=1", "encoder", "encoder.factor=1: input should be greater than or equal to 2"),
        ("activation=rulu", "encoder", "encoder.activation=rulu: input should be 'relu'"),
        ("init=xavier", "encoder", "encoder.init=xavier: input should be 'matched', 'measured' or 'default'"),
        ("seed=-1", "data", "data.seed=-1: input should be greater than or equal to 0"),
        ("seed=1.5", "data", "data.seed=1.5: input should be a valid integer"),
        ("data.batch_size=0", "data", "data.batch_size=0"),
        ("data.source=mnist", "data", "data.source=mnist: a part belongs there, chosen in conf/data"),
        ("decoder.kernel_size=x", "decoder", "decoder.kernel_size=x: input should be a valid integer"),
        ("decoder.up=transpose", "decoder", "decoder.up=transpose: input should be callable"),
        ("model.output=softmax", "model", "model.output=softmax: input should be 'sigmoid' or 'identity'"),
        ("trainer.max_epochs=many", "trainer", "trainer.max_epochs=many: input should be a valid integer"),
        ("trainer.strategy=3", "trainer", "trainer.strategy=3: input should be a valid string"),
        ("+trainer.max_time=3", "trainer", "trainer.max_time=3: input should be a valid string"),
        ("trainer.precision=13", "trainer", "trainer.precision=13"),
        ("callbacks.health.images=0", "callbacks", "callbacks.health.images=0: input should be greater than"),
        ("callbacks.health=null", "callbacks", "callbacks.health=None describes nothing: leave it out with ~callbacks"),
        ("logger.wandb.mode=off", "loggers", "logger.wandb.mode=off: input should be 'auto'"),
        ("checkpoint_every=0", "settings", "checkpoint_every=0: input should be greater than or equal to 1"),
        ("match=size", "settings", "match=size: input should be 'params', 'macs', 'decoder_params'"),
        ("seed=x", "settings", "seed=x: input should be a valid integer"),
    ],
)
def test_values_are_typed_and_ranged(override: str, part: str, message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{message}"):
        getattr(parts(override), part)


def test_options_of_lightning_that_we_do_not_name_can_be_added() -> None:
    overrides.refuse_careless(["+trainer.val_check_interval=0.5"])
    of_it = parts("+trainer.val_check_interval=0.5", "trainer.accelerator=cpu")
    assert of_it.trainer.keywords["val_check_interval"] == 0.5  # type: ignore[attr-defined]
    with pytest.raises(ConfigError, match="Trainer has no such option"):
        parts("+trainer.val_check_intervall=0.5").trainer  # noqa: B018


class Inner:
    made = 0

    def __init__(self, *, size: Count, mode: Literal["a", "b"]) -> None:
        type(self).made += 1
        self.options = (size, mode)


class Middle:
    made = 0

    def __init__(self, *, inner: Any, depth: int) -> None:
        type(self).made += 1
        self.inner, self.depth = inner, depth


class Two:
    def __init__(self, *, first: Any, second: Any) -> None:
        self.both = (first, second)


@pytest.fixture(autouse=True)
def _toys(monkeypatch: pytest.MonkeyPatch) -> None:
    toys = ModuleType("toys")
    for kind in (Inner, Middle, Two):
        setattr(toys, kind.__name__, kind)
        monkeypatch.setattr(kind, "made", 0, raising=False)
    monkeypatch.setitem(sys.modules, "toys", toys)


INNER = {"_target_": "toys.Inner"}


def toy(node: dict[Any, Any]) -> Parts:
    """Of a configuration whose latent is this node."""
    return Parts(configure().with_values({"latent": node}))


def test_an_option_that_a_part_does_not_take_is_handed_to_the_part_inside() -> None:
    of_it = toy({"_target_": "toys.Middle", "depth": 3, "size": 2, "mode": "b", "inner": INNER})
    built: Any = of_it.latent
    assert (built.depth, built.inner.options) == (3, (2, "b"))
    assert (Middle.made, Inner.made) == (1, 1)
    assert of_it.latent is built
    middle = {"_target_": "toys.Middle", "depth": 4, "inner": INNER}
    two_deep: Any = toy({"_target_": "toys.Middle", "depth": 1, "size": 2, "mode": "b", "inner": middle}).latent
    assert (two_deep.depth, two_deep.inner.depth, two_deep.inner.inner.options) == (1, 4, (2, "b"))


def test_a_partial_waits_and_what_is_inside_it_is_ready() -> None:
    built = toy({"_target_": "toys.Middle", "_partial_": True, "size": 2, "mode": "a", "inner": INNER}).latent
    assert isinstance(built, partial)
    assert (Middle.made, Inner.made) == (0, 1)
    assert built(depth=7).inner is built(depth=8).inner


def test_options_reach_the_operator_in_the_stack() -> None:
    encoder: Any = parts("encoder=strided", "encoder.kernel_size=5", "factor=4", "norm=batch").encoder
    assert encoder.keywords["down"].keywords == {"kernel_size": 5, "factor": 4, "init": "matched"}
    assert set(encoder.keywords) == {"down", "channels", "activation", "blocks", "norm"}
    decoder: Any = parts("decoder=bilinear", "init=default").decoder
    up = {"mode": "bilinear", "padding": "zeros", "factor": 2, "init": "default"}
    assert decoder.keywords["up"].keywords == up
    assert parts("data=mnist", "data.root=/a").data.source.root == Path("/a")


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (INNER | {"size": 0, "mode": "a"}, "latent.size=0: input should be greater"),
        (INNER | {"size": 1, "mode": "a", "sizes": 4}, "latent.sizes: Inner has no such option; it has size, mode"),
        (INNER | {"size": 1, "mode": "a", 1: 2}, "latent.1: Inner has no such option"),
        (
            {"_target_": "toys.Middle", "depth": 1, "mode": "a", "size": 1, "modes": 4, "inner": INNER},
            "latent.modes: Inner has no such option; it has size, mode",
        ),
        (
            {"_target_": "toys.Middle", "depth": 1, "inner": INNER | {"size": 0, "mode": "a"}},
            "latent.inner.size=0: input should be greater",
        ),
        (
            {"_target_": "toys.Two", "size": 1, "first": INNER, "second": INNER},  # whose is it?
            "latent.size: Two has no such option; it has first, second",
        ),
        ({"_target_": "toys.Outer"}, "latent._target_=toys.Outer cannot be imported: "),
        ({"_target_": "nowhere.X"}, "latent._target_=nowhere.X cannot be imported: .*No module named 'nowhere'"),
        ({"size": 1}, r"latent=\{'size': 1\} describes nothing: choose an option of conf/latent, as in latent=NAME"),
    ],
)
def test_a_node_is_refused_by_the_key_that_the_user_typed(node: dict[Any, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{message}"):
        toy(node).latent  # noqa: B018


def test_every_part_is_made_once() -> None:
    of_it = Parts(configure())
    names = ("data", "encoder", "latent", "decoder", "model", "loss", "optimizer", "callbacks", "loggers", "trainer")
    assert all(getattr(of_it, name) is getattr(of_it, name) for name in names)


def test_the_autoencoder_takes_other_widths() -> None:
    of_it = parts("channels=[4,8]")
    assert of_it.autoencoder((1, 28, 28)).encoder.spec.code_shape == (8, 7, 7)
    assert of_it.autoencoder((1, 28, 28), [3, 5]).encoder.spec.code_shape == (5, 7, 7)
