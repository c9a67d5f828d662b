"""The folder `conf/` against the code: every option builds, states its values once, and names what packages export."""

import importlib
import inspect
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hydra.utils import get_object
from omegaconf import OmegaConf

from helpers.options import EVERY_OPTION, PARTS
from helpers.project import CONF, configure, parts
from hourglass.runs.read import read_configuration

pytestmark = pytest.mark.xdist_group("every_option")  # composed once, in one process


@pytest.mark.parametrize("choice", EVERY_OPTION)
def test_every_option_composes_and_its_keys_fit_the_signature(choice: str) -> None:
    of_it = parts(choice)
    for name in (*PARTS, "settings"):  # a key that nothing takes is refused, and a value out of type
        assert getattr(of_it, name) is not None
    assert all(of_it.callbacks.values())
    assert all(of_it.metrics.values())
    assert set(of_it.loggers) == set(configure(choice).plain["logger"] or {})


@pytest.mark.slow
@pytest.mark.parametrize("choice", EVERY_OPTION)
def test_every_option_is_read_back_from_a_run_folder_as_it_was(choice: str, tmp_path) -> None:
    (tmp_path / ".hydra").mkdir()
    (tmp_path / ".hydra" / "config.yaml").write_text(configure(choice).as_yaml, encoding="utf-8")
    read = read_configuration(tmp_path)
    assert read.trust == ()
    assert read.plain == configure(choice).plain == OmegaConf.to_container(OmegaConf.create(read.written), resolve=True)
    assert read.id == configure(choice).id


def test_no_option_is_without_a_file_and_no_file_without_a_target() -> None:
    """A preset chooses among files; every other file names what it builds, by itself or through its base."""
    for path in CONF.rglob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        assert yaml.safe_load(text) is not None or path.parent.name == "logger", path
        if path.parent.name not in ("conf", "hydra", "logger", "local", "search"):
            assert "_target_" in text or "defaults:" in text, path


def test_same_default_never_stands_in_yaml_and_in_python() -> None:
    """Values live in YAML: what YAML configures has no default in the signature."""
    for choice in EVERY_OPTION:
        group = choice.split("=")[0]
        if group not in ("logger", "experiment", "trainer", "callbacks"):
            assert_no_defaults(configure(choice).plain[group], group)


LATER = (
    "data.checksums",
    "data.source.cache",
    "data.device",
    "optimizer.relative_steps",
    "decoder.channels",
    "decoder.up.positions",
    "loss.where",
)
"""Configurations of earlier versions have them not, nor have some data sets."""


def assert_no_defaults(node: dict[str, Any], path: str) -> None:
    """Of a part, and with what stands beside it of the part inside."""
    parameters = inspect.signature(get_object(node["_target_"])).parameters
    others = {key: value for key, value in node.items() if key not in parameters and not key.startswith("_")}
    for key, value in node.items():
        if isinstance(value, dict) and "_target_" in value:
            assert_no_defaults(value | others, f"{path}.{key}")
        if key in parameters and f"{path}.{key}" not in LATER:
            assert parameters[key].default is inspect.Parameter.empty, f"{path}.{key} has two defaults"


def targets(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from ([node["_target_"]] if "_target_" in node else [])
        for inner in node.values():
            yield from targets(inner)


TARGETS = sorted({t for path in CONF.rglob("*.yaml") for t in targets(yaml.safe_load(path.read_text("utf-8")))})


@pytest.mark.parametrize("target", TARGETS)
def test_what_ids_hash_is_what_a_package_exports(target: str) -> None:
    """Moving a file changes no id: `conf/` names packages and no files, and what they export."""
    module, _, name = target.rpartition(".")
    package = importlib.import_module(module)
    assert hasattr(package, "__path__"), f"{module} is a file"
    assert hasattr(package, name)
    if not module.startswith("hydra_plugins."):  # launchers and sweepers, which are no part of an id
        assert name in package.__all__


def test_every_target_in_a_configuration_is_one_that_stands_in_conf() -> None:
    assert len(TARGETS) > 50
    for choice in EVERY_OPTION:
        assert set(targets(configure(choice).plain)) <= set(TARGETS), choice
