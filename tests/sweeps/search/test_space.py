"""One space for two engines, in Hydra's own grammar of sweeps."""

from typing import Any

import pytest
import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser

from helpers.project import configure, options
from helpers.searching import SETTINGS, optuna
from hourglass.core.errors import ConfigError
from hourglass.sweeps.search.space import Choice, Interval, Space, read_space
from hourglass.sweeps.search.study import suggest
from hourglass.sweeps.search.wandb import wandb_parameter


def space_of(configured: dict[str, Any], *overrides: str) -> Space:
    return read_space(configured, list(overrides), OverridesParser.create().parse_overrides)


def test_the_command_line_wins_over_the_space() -> None:
    configured = {"decoder": "choice(resize,transpose)", "latent": "dense", "optimizer.lr": "interval(0.1,1)"}
    space = space_of(configured, "decoder=subpixel", "channels=[8],[16,32]", "seed=3")
    assert sorted(space.fixed) == ["decoder=subpixel", "latent=dense", "seed=3"]
    assert space.varied == {"channels": Choice(["[8]", "[16,32]"]), "optimizer.lr": Interval(0.1, 1.0, None, False)}
    assert space_of(configured).name != space.name
    assert space_of(configured, "decoder=subpixel", "channels=[8],[16,32]", "seed=3", "sweep=x").name == space.name
    with pytest.raises(ConfigError, match="nothing to search"):
        space_of({"decoder": "choice(resize,transpose)"}, "decoder=resize")


@pytest.mark.parametrize(
    ("sweep", "parameter", "in_wandb"),
    [
        ("choice(a,b)", Choice(["a", "b"]), {"values": ["a", "b"]}),
        ("interval(1,5)", Interval(1.0, 5.0, None, False), {"distribution": "uniform", "min": 1.0, "max": 5.0}),
        ("int(interval(1,5))", Interval(1, 5, None, False), {"distribution": "int_uniform", "min": 1, "max": 5}),
        (
            "tag(log,interval(0.1,1))",
            Interval(0.1, 1.0, None, True),
            {"distribution": "log_uniform_values", "min": 0.1, "max": 1.0},
        ),
        (
            "tag(log,int(interval(1,64)))",
            Interval(1, 64, None, True),
            {"distribution": "q_log_uniform_values", "q": 1, "min": 1, "max": 64},
        ),
        ("range(5,1,-1)", Interval(2, 5, 1, False), {"distribution": "int_uniform", "min": 2, "max": 5}),
        (
            "sort(range(1,5),reverse=true)",
            Interval(1, 4, 1, False),
            {"distribution": "int_uniform", "min": 1, "max": 4},
        ),
        ("range(3)", Interval(0, 2, 1, False), {"distribution": "int_uniform", "min": 0, "max": 2}),
        ("shuffle(choice(b,a,b))", Choice(["b", "a"]), {"values": ["b", "a"]}),
        ("sort(b,a)", Choice(["a", "b"]), {"values": ["a", "b"]}),
        ("bool(choice(0,1))", Choice(["False", "True"]), {"values": ["False", "True"]}),
        ("1,[2,3],null", Choice(["1", "[2,3]", "null"]), {"values": ["1", "[2,3]", "null"]}),
        ("range(8,65,8)", Interval(8, 64, 8, False), {"distribution": "q_uniform", "q": 8, "min": 8, "max": 64}),
    ],
)
def test_hydras_grammar_in_both_engines(sweep: str, parameter: Choice | Interval, in_wandb: dict[str, Any]) -> None:
    (read,) = space_of({"key": sweep}).varied.values()
    assert read == parameter
    assert wandb_parameter(read) == in_wandb
    study = optuna.create_study()
    for _ in range(20):
        _, chosen = suggest(study, study.ask(), Space([], {"key": read}, ""), SETTINGS)
        if isinstance(parameter, Choice):
            assert chosen["key"] in parameter.values
        else:
            assert parameter.low <= chosen["key"] <= parameter.high
            assert parameter.integer == isinstance(chosen["key"], int)
            assert not parameter.step or chosen["key"] % parameter.step == 0


@pytest.mark.parametrize("sweep", ["interval(1,1)", "interval(2,1)", "tag(log,interval(0,1))"])
def test_an_empty_interval_is_refused(sweep: str) -> None:
    with pytest.raises(ConfigError, match="from a smaller to a larger number"):
        space_of({"key": sweep})


@pytest.mark.parametrize(
    ("sweep", "message"),
    [
        ("range(5,1)", "the range is empty"),
        ("range(1,10,0)", "the range is empty"),
        ("interval(0,inf)", "from a smaller to a larger number"),
        ("interval(nan,1)", "from a smaller to a larger number"),
        ("int(interval(0.2,0.9))", "from a smaller to a larger number"),
        ("tag(log,range(1,9,2))", "the only tag is log, and that of an interval"),
        ("tag(log,choice(1,2))", "the only tag is log, and that of an interval"),
        ("tag(quick,interval(0,1))", "the only tag is log"),
        ("interval(1,2),interval(3,4)", "a choice is among values"),
    ],
)
def test_what_no_search_can_draw_from_is_refused(sweep: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        space_of({"key": sweep})


def test_a_range_of_a_billion_is_not_counted_out() -> None:
    assert space_of({"key": "range(0,1000000000)"}).varied == {"key": Interval(0, 999_999_999, 1, False)}
    (tenths,) = space_of({"key": "range(0.1,0.5,0.1)"}).varied.values()
    assert isinstance(tenths, Interval)
    assert (tenths.low, tenths.step) == (0.1, 0.1)
    assert tenths.high == pytest.approx(0.4)


def test_the_space_of_the_project_composes() -> None:
    """Every choice there is an option of its group, and keys are keys of the configuration."""
    space = space_of(configure("search=wandb").plain["search"]["space"])
    assert set(space.varied) == {"encoder", "decoder", "channels", "optimizer.lr"}
    assert not space.fixed
    assert set(choices(space, "encoder")) < set(options("encoder"))
    assert set(choices(space, "decoder")) < set(options("decoder"))
    assert {yaml.safe_load(value)[-1] for value in choices(space, "channels")} == {32}
    assert configure("optimizer.lr=0.01").plain["optimizer"]["lr"] == 0.01


def choices(space: Space, key: str) -> list[str]:
    parameter = space.varied[key]
    assert isinstance(parameter, Choice)
    return parameter.values
