"""What reads a folder that somebody else made: parts of `conf/` in their own slots, and nothing else, is made of it."""

import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

import hourglass
from helpers.options import EVERY_OPTION, GROUPS, PARTS
from helpers.project import configure, parts
from helpers.untrained_runs import untrained_run
from hourglass.config import slots
from hourglass.config.configuration import Configuration
from hourglass.config.parts import Parts
from hourglass.core.errors import ConfigError
from hourglass.runs.read import read_configuration


def places(node: Any, path: str) -> Iterator[tuple[str, str]]:
    """(slot, target) of every part in a node."""
    if isinstance(node, dict):
        yield from ([(path, node["_target_"])] if "_target_" in node else [])
        for key, inner in node.items():
            yield from places(inner, f"{path}.{'*' if path in ('callbacks', 'logger') else key}")


@cache
def accepted() -> frozenset[tuple[str, str]]:
    """Of every composed option."""
    return frozenset(
        place for choice in EVERY_OPTION for group in (*GROUPS, "logger")
        for place in places(configure(choice).plain[group], group)
    )  # fmt: skip


def is_refused(target: object, slot: str) -> bool:
    try:
        slots.refuse_foreign(target, slot, "here")
    except ConfigError as error:
        return str(error).startswith(f"here._target_={target} is no part of hourglass that belongs there; nothing was")
    return False


@pytest.mark.xdist_group("every_option")  # composed once, in one process
def test_every_part_is_accepted_in_its_own_slot_and_refused_in_every_other() -> None:
    by_slot = {slot for slot, _ in accepted()}
    targets = {target for _, target in accepted()}
    assert {"encoder", "encoder.down", "decoder.up", "data.source", "callbacks.*", "logger.*", "trainer"} <= by_slot
    assert len(targets) > 50
    wrong = [
        (slot, target) for slot in by_slot for target in targets
        if is_refused(target, slot) is ((slot, target) in accepted())
    ]  # fmt: skip
    assert wrong == []
    assert not any(
        is_refused(target, slot) is False for slot in ("", "hydra", "seed", "encoder.up") for target in targets
    )


def names_that_can_be_imported() -> set[str]:
    """Every name, private ones too, of every module of these packages that the tests have imported."""
    import lightning.pytorch  # noqa: F401
    import wandb  # noqa: F401

    packages = ("hourglass", "hydra_plugins", "torch", "torchvision", "lightning", "hydra", "omegaconf", "wandb")
    modules = [module for name, module in list(sys.modules.items()) if name.split(".")[0] in packages and module]
    return {f"{module.__name__}.{name}" for module in modules for name in vars(module)}


@pytest.mark.xdist_group("every_option")
def test_of_all_names_that_can_be_imported_only_those_of_conf_get_through() -> None:
    by_slot = {slot for slot, _ in accepted()}
    names = names_that_can_be_imported()
    assert len(names) > 10_000
    through = {(slot, name) for slot in by_slot for name in slots._named("_target_")[slot] & names}
    assert through == {(slot, name) for slot, name in accepted() if name in names}
    others = sorted(name for name in names if not name.startswith("hourglass."))
    some = (
        sorted(name for name in names if name.startswith("hourglass."))[::10] + others[::100]
    )  # what refuses is asked itself
    assert all(is_refused(name, slot) is ((slot, name) not in accepted()) for slot in by_slot for name in some)


@pytest.mark.xdist_group("every_option")
@pytest.mark.parametrize(
    "target",
    [
        "os.system", "builtins.eval", "torch.load", "shutil.copyfile", "subprocess.run", "hydra.utils.instantiate",
        "hourglass.config.compose.options", "hourglass.runs.load.torch.load", "hourglass.data.Path",
        "hourglass.nn.encoders.ConvEncoder", "hourglass.nn._operators", "hourglass.nn.__all__", "hourglass.load_run",
        "hourglass.nn.Encoded", "hourglass.training.loggers.is_rank_zero", "hourglass.core.files.write_json",
        "hydra_plugins.hourglass_launchers.RayLauncher", "hourglass.nn.MaxPool ", "", None, 3, ["hourglass.nn.MaxPool"],
    ],
)  # fmt: skip
def test_functions_private_names_and_parts_of_others_are_refused_everywhere(target: object) -> None:
    assert all(is_refused(target, slot) for slot in {slot for slot, _ in accepted()})


def test_a_refusal_imports_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "trap.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    foreign = Configuration(configure().with_values({"loss._target_": "trap.Loss"}).written, trust=())
    with pytest.raises(ConfigError, match=r"loss\._target_=trap\.Loss is no part of hourglass"):
        Parts(foreign).loss  # noqa: B018
    assert "trap" not in sys.modules


@pytest.mark.parametrize("slot", ["encoder", "encoder.down", "data", "data.source", "corruption", "trainer", "loss"])
def test_a_foreign_configuration_is_refused_at_the_slot(slot: str) -> None:
    part = "data" if slot == "corruption" else slot.split(".")[0]
    foreign = Configuration(configure().with_values({f"{slot}._target_": "os.system"}).written, trust=())
    assert getattr(Parts(foreign), "latent")  # what is not meant is not looked at  # noqa: B009
    with pytest.raises(ConfigError, match=rf"^{slot}\._target_=os\.system is no part of hourglass"):
        getattr(Parts(foreign), part)
    ours = Configuration(configure().written, trust=())
    assert all(getattr(Parts(ours), name) for name in (*PARTS, "callbacks", "loggers"))


def test_a_foreign_callback_is_not_built_when_a_run_is_continued() -> None:
    evil = {"_target_": "shutil.copyfile", "src": "a", "dst": "b"}
    foreign = Configuration(configure().with_values({"callbacks.evil": evil}).written, trust=())
    with pytest.raises(ConfigError, match=r"callbacks.evil._target_=shutil.copyfile is no part of hourglass"):
        Parts(foreign).callbacks  # noqa: B018
    lists = Configuration(configure().with_values({"callbacks.health.images": [evil]}).written, trust=())
    with pytest.raises(ConfigError, match=r"callbacks.health.images=.* input should be a valid integer"):
        Parts(lists).callbacks  # noqa: B018


def test_a_part_that_this_machine_s_own_settings_name_is_one_s_own(monkeypatch, tmp_path: Path) -> None:
    """`conf/local/default.yaml` stands at the root of the configuration, as presets do."""
    (tmp_path / "local").mkdir()
    text = "# @package _global_\ncallbacks: {mine: {_target_: mylab.Mine}}\n"
    (tmp_path / "local" / "default.yaml").write_text(text)
    monkeypatch.setattr(slots, "CONF", tmp_path)
    slots._named.cache_clear()
    try:
        assert not is_refused("mylab.Mine", "callbacks.*")
        assert is_refused("mylab.Mine", "local.callbacks.mine")
    finally:
        monkeypatch.undo()
        slots._named.cache_clear()


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return untrained_run(tmp_path / "run", "model=linear")


def changed(run: Path, key: str, value: Any) -> Path:
    path = run / ".hydra" / "config.yaml"
    config = OmegaConf.load(path)
    OmegaConf.update(config, key, value, force_add=True)
    OmegaConf.save(config, path)
    return run


@pytest.mark.parametrize("target", ["torch.load", "hourglass.runs.load.torch.load", "os.system", "hourglass.data.Path"])
def test_a_foreign_run_folder_runs_nothing(run: Path, target: str) -> None:
    assert hourglass.load_run(run) is not None
    changed(run, "encoder._target_", target)
    with pytest.raises(ConfigError, match="is no part of hourglass that belongs there; nothing was run"):
        hourglass.load_run(run)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("encoder.activation", "${oc.env:HOME}", r"encoder.activation=\$\{oc.env:HOME\} asks for more than a value"),
        ("a.b", ["${oc.env:HOME}"], r"a.b.0=\$\{oc.env:HOME\} asks for more than a value"),
        ("a.b", "${run_id:}", r"a.b=\$\{run_id:\} asks for more"),
        ("encoder._args_", ["x"], "encoder._args_: only _target_ and _partial_ may stand there"),
        ("a._recursive_", False, "a._recursive_: only _target_ and _partial_ may stand there"),
        ("a.b", [{"_convert_": "all"}], r"a.b\[0\]._convert_: only _target_ and _partial_ may stand there"),
    ],
)
def test_what_asks_for_more_than_values_is_refused_when_it_is_read(
    run: Path, key: str, value: Any, message: str
) -> None:
    with pytest.raises(ConfigError, match=rf"config\.yaml\.{message}.*; nothing was run"):
        read_configuration(changed(run, key, value))


def test_our_own_command_line_may_name_what_it_likes() -> None:
    """`conf/` of another package stands behind the same words."""
    of_it = parts("+callbacks.mine={_target_: lightning.pytorch.callbacks.Timer, duration: {hours: 1}}")
    assert type([*of_it.callbacks.values()][-1]).__name__ == "Timer"
