"""The configuration as a value: what its id is of, what is settled when it is composed, and that it never changes."""

import copy
import hashlib
from pathlib import Path

import pytest
from omegaconf import open_dict

from helpers.options import PARTS
from helpers.project import configure
from hourglass.config.compose import composed
from hourglass.config.configuration import Configuration
from hourglass.config.identity import VOLATILE, run_id, without_volatile
from hourglass.config.parts import Parts
from hourglass.runs.read import read_configuration


def id_of(*given: str) -> str:
    return configure(*given).id


def test_the_id_is_of_what_is_computed() -> None:
    assert id_of() == id_of() == id_of("logger=none", "trainer.enable_progress_bar=false", "sweep=x")
    assert id_of("data=mnist", "data.root=/a") == id_of("data=mnist", "data.root=/b", "data.download=true")
    assert id_of("decoder=bilinear") == id_of("decoder=resize", "decoder.mode=bilinear")
    assert id_of("optimizer.weight_decay=0", "optimizer.lr=1") == id_of(
        "optimizer.weight_decay=0.0", "optimizer.lr=1.0"
    )
    others = ["seed=1", "decoder=resize", "trainer.precision=bf16-mixed", "trainer.devices=2", "channels=[16]"]
    others.append("trainer.compile=true")
    assert len({id_of(), *map(id_of, others)}) == 1 + len(others)


@pytest.mark.parametrize(
    "volatile",
    [
        "logger=tensorboard", "logger.wandb.project=x", "sweep=x", "report=false", "retry=all", "resume=x", "trial=3",
        "search=optuna", "tune=[optimizer.lr]", "tuning.extensions=0", "budgets=[1]", "reported=false",
        "baselines=null", "checkpoint_every=7", "data.num_workers=2", "data.device=cpu",
        "primary=test/mse", "equivalent_within=5 %", 'reference="decoder=resize"', "fixed=0a1b2c3",
        "trainer.enable_progress_bar=false", "trainer.enable_model_summary=true", "trainer.compile=false",
    ],
)  # fmt: skip
def test_where_and_how_a_run_is_carried_out_is_no_part_of_its_id(volatile: str) -> None:
    assert id_of(volatile) == id_of()


def test_an_id_is_eight_digits_of_a_hash_that_anybody_can_compute() -> None:
    plain = {"b": {"c": [1.0, 2.5], "d": None}, "a": True, "data": {"root": "/x", "seed": 0}, "sweep": "s"}
    before = copy.deepcopy(plain)
    text = '{"a": true, "b": {"c": [1, 2.5], "d": null}, "data": {"seed": 0}}'
    assert run_id(plain) == hashlib.sha256(text.encode()).hexdigest()[:8] == "73426aa1"
    assert plain == before
    assert without_volatile({key: 0 for key in VOLATILE if "." not in key}) == {}


def test_another_value_makes_another_configuration_and_leaves_the_first_alone() -> None:
    first = configure("decoder=resize")
    before, identity = copy.deepcopy((first.written, first.plain)), first.id
    other = first.with_values(
        {"channels": [8], "decoder.mode": "bicubic", "latent": {"_target_": "x", "dim": "${seed}"}}
    )
    assert (first.written, first.plain) == before
    assert Configuration(first.written).id == first.id == identity != other.id
    assert other.plain["encoder"]["channels"] == [8]  # written as ${channels}
    assert other.written["encoder"]["channels"] == "${channels}"
    assert other.plain["decoder"] == first.plain["decoder"] | {"mode": "bicubic"}
    assert other.plain["latent"] == {"_target_": "x", "dim": 0}  # in place of the node, not merged with it
    other.written["channels"].append(9)
    assert first.written == before[0]


def test_whose_a_configuration_is_stays_known() -> None:
    assert configure().trust is None
    assert Configuration(configure().written, trust=()).with_values({"seed": 1}).trust == ()


def test_what_only_this_machine_can_answer_is_settled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PICTURES", "/somewhere")
    configuration = configure("data=mnist", "data.root=${oc.env:PICTURES}/mnist")
    assert configuration.written["data"]["root"] == "/somewhere/mnist"
    assert configuration.written["encoder"]["channels"] == "${channels}"
    monkeypatch.delenv("PICTURES")
    assert Configuration(configuration.written).id == configuration.id
    (tmp_path / ".hydra").mkdir()
    (tmp_path / ".hydra" / "config.yaml").write_text(configuration.as_yaml, encoding="utf-8")
    read = read_configuration(tmp_path)
    assert read == Configuration(configuration.written, trust=())
    assert all(getattr(Parts(read), name) for name in (*PARTS, "callbacks", "loggers"))


def test_hydra_s_own_part_is_left_out() -> None:
    config = composed("train", ["seed=3", "sweep=x"])
    with open_dict(config):
        config.hydra = {"job": {"name": "x"}}
    assert Configuration.of(config) == configure("seed=3", "sweep=x")
    assert "hydra" in config
