"""Mistakes on the command line that Hydra answers from its depths: here they get a sentence with the cure."""

import inspect
from pathlib import Path

import pytest
from lightning.pytorch import Trainer

from helpers.project import parts
from hourglass.config.compose import groups, without_plus
from hourglass.config.overrides import at_home, refuse_what_hydra_does_not_explain
from hourglass.config.trainer import INSTEAD
from hourglass.core.errors import ConfigError


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("latent=16", r"latent=16: latent is one of contractive, dense, .*, none, .*; a value goes to one of its keys"),
        ("corruption=0.3", "corruption is one of block, gaussian, masking, none"),
        ("data=null", "data is one of celeba, cifar10"),
        ("logger=true", "logger is one of csv, none, tensorboard, wandb"),
        ("logger=[wandb,3]", "logger is one of"),
        ("decoder={a:1}", "decoder is one of"),
        ("~loss", "every run needs one: loss is one of bce, gaussian, l1, lpips, ms_ssim, mse, ssim"),
        ("data.root=/data/run=1", r"needs quotes: 'data.root=\"/data/run=1\"'"),
        ("data.root=/data/my photos (2024)", r"needs quotes: 'data.root=\"/data/my photos \(2024\)\"'"),
    ],
)
def test_a_group_given_a_value_and_a_value_without_quotes(override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        refuse_what_hydra_does_not_explain([override], groups())


@pytest.mark.parametrize(
    "override",
    ["decoder=resize", "decoder=resize,nearest", "logger=[wandb,tensorboard]", "search=null", "~logger", "seed=1",
     "~callbacks.health", "data.root='a b'", "optimizer.lr=tag(log,interval(0.1,1))", "+trainer.max_time=00:00:01:00"],
)  # fmt: skip
def test_what_can_be_meant_is_left_to_hydra(override: str) -> None:
    refuse_what_hydra_does_not_explain([override], groups())


def test_a_plus_before_an_option_that_is_there_is_taken_away() -> None:
    given = ["+trainer.max_time=00:01:00:00", "+trainer.barebones=true", "+width=3", "trainer.devices=1"]
    assert without_plus(given) == ["trainer.max_time=00:01:00:00", *given[1:]]


def test_the_home_folder_is_put_in_place_of_its_sign() -> None:
    home = Path.home()
    assert at_home(["data.root=~/a", "seed=1", "data.root='~/a'"]) == [
        f'data.root="{home}/a"',
        "seed=1",
        "data.root='~/a'",
    ]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["+trainer.fast_dev_run=true"], "trainer.fast_dev_run is not supported: use trainer.max_epochs=1"),
        (["trainer.overfit_batches=-1"], "trainer.overfit_batches=-1: input should be greater than or equal to 0"),
        (["trainer.overfit_batches=1", "trainer.limit_train_batches=2"], "both say how many batches: give one of them"),
        (["trainer.precision=64-true"], "trainer.precision=64-true: input should be '32-true', '16-mixed'"),
        (["trainer.precision=bf16-true"], "trainer.precision=bf16-true: input should be"),
        (
            ["trainer.accumulate_grad_batches=0"],
            "accumulate_grad_batches=0: input should be greater",
        ),
        (["trainer.gradient_clip_val=-1"], "gradient_clip_val=-1: input should be greater than 0"),
        (["trainer.val_check_interval=0"], "val_check_interval=0: input should be greater than or equal to 1"),
        (["trainer.val_check_interval=1.5"], "val_check_interval=1.5: input should be"),
        (["trainer.gradient_clip_algorithm=norms"], "gradient_clip_algorithm=norms: input should be 'norm', 'value'"),
        (["+trainer.barebones=true"], "barebones is not supported: use logger=none"),
        (["trainer.devices=0"], "trainer.devices=0: a run needs a device"),
    ],
)
def test_options_of_the_trainer_are_honoured_or_refused(overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parts(*overrides).trainer  # noqa: B018


def test_every_option_of_the_trainer_is_in_one_of_two_lists() -> None:
    ours = {"_target_", "_partial_", "compile"}
    supported = set(parts().configuration.plain["trainer"]) - ours
    assert supported | set(INSTEAD) == set(inspect.signature(Trainer).parameters)
    assert not supported & set(INSTEAD)


def test_values_that_a_library_would_refuse_late_are_refused_at_once() -> None:
    with pytest.raises(ConfigError, match="seed=5000000000: input should be less than 4294967296"):
        parts("seed=5000000000").settings  # noqa: B018
    with pytest.raises(ConfigError, match=r"optimizer.betas\[1\]=1.0: input should be less than 1"):
        parts("optimizer.betas=[0.9,1.0]").optimizer  # noqa: B018
