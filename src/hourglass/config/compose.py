"""Composing configurations from `conf/`: where it is, its groups, and what was meant by a key that is not there."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from hourglass.config.checksums import checksums
from hourglass.config.configuration import Configuration
from hourglass.config.pictures import checksum_of_file, checksums_of_pictures
from hourglass.core.text import command, meant

Resolver = Callable[..., Any]
_HERE = Path(__file__).resolve()
CONF = next(path for path in (_HERE.parents[1] / "conf", _HERE.parents[3] / "conf") if path.is_dir())
"""The options: in an installed package inside it, in a checkout at its top."""
OURS = ("base", "hydra", "local")
"""Folders of `conf/` that are no groups of the command line."""
GROUPS = (
    "model", "encoder", "latent", "decoder", "data", "augmentation", "corruption", "loss", "optimizer", "trainer",
    "experiment",
)  # fmt: skip
"""The groups whose choices a run is known by."""


def register_resolvers(kept: Callable[[Resolver], Resolver] = lambda resolver: resolver) -> None:
    """`${run_id:}` and the checksums of images in the configuration; call it before Hydra composes one."""
    OmegaConf.register_new_resolver("run_id", lambda *, _root_: Configuration.of(_root_).id, replace=True)
    OmegaConf.register_new_resolver("checksums", kept(checksums), replace=True)
    OmegaConf.register_new_resolver("pictures", kept(checksums_of_pictures), replace=True)
    OmegaConf.register_new_resolver("emoji", kept(_emoji), replace=True)


def _emoji(font: str, size: int) -> str | None:
    return checksum_of_file(font, unless=size == 32)


@contextmanager
def images_read_once() -> Iterator[None]:
    """Here what is composed asks for the checksums of a folder of pictures once, and not once each."""
    register_resolvers(cache)
    try:
        yield
    finally:
        register_resolvers()


def options(group: str) -> list[str]:
    """The options of a group: `conf/` is the registry."""
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


def groups() -> dict[str, list[str]]:
    """The groups at the top of `conf/`, with their options."""
    return {path.name: options(path.name) for path in CONF.iterdir() if path.is_dir() and path.name not in OURS}


def composed(name: str, overrides: Sequence[str] = (), *, with_hydra: bool = False) -> DictConfig:
    """`conf/<name>.yaml` with these overrides; inside a running Hydra application with its search path."""
    from hydra import compose, initialize_config_dir  # late: a report and a list of runs need no Hydra
    from hydra.core.global_hydra import GlobalHydra

    register_resolvers()
    if GlobalHydra.instance().is_initialized():
        return compose(name, list(overrides), return_hydra_config=with_hydra)
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose(name, list(overrides), return_hydra_config=with_hydra)


def compose_train(overrides: Sequence[str] = ()) -> Configuration:
    """The configuration of one run, as `train.py` composes it."""
    return Configuration.of(composed("train", overrides))


@cache
def option(group: str, name: str) -> dict[str, Any]:
    """One option of a group as written, with its interpolations; raises Hydra's error where it is not there."""
    return OmegaConf.to_container(composed("train", [f"{group}={name}"])[group])  # type: ignore[return-value]


def without_plus(overrides: Sequence[str]) -> list[str]:
    """`trainer.max_time=…` for `+trainer.max_time=…`, as one writes options of Lightning that have no key elsewhere."""
    if not any(override.startswith("+trainer.") for override in overrides):
        return list(overrides)
    keys = read_options("trainer/default")
    return [o[1:] if o.startswith("+trainer.") and o[9:].split("=")[0] in keys else o for o in overrides]


def compose_evaluate(overrides: Sequence[str] = ()) -> dict[str, Any]:
    """`conf/evaluate.yaml` with these overrides, as plain values."""
    return OmegaConf.to_container(composed("evaluate", overrides), resolve=True)  # type: ignore[return-value]


def read_options(name: str) -> dict[str, Any]:
    """`conf/<name>.yaml` of a command that is no Hydra application, as plain values."""
    return OmegaConf.to_container(OmegaConf.load(CONF / f"{name}.yaml"))  # type: ignore[return-value]


def dotted_keys(node: object, prefix: str = "") -> list[str]:
    """Every key inside nested dictionaries, `optimizer.lr` style, but those that begin with an underscore."""
    if not isinstance(node, dict):
        return []
    keys: list[str] = []
    for key, inner in node.items():
        if not str(key).startswith("_"):
            keys += [f"{prefix}{key}", *dotted_keys(inner, f"{prefix}{key}.")]
    return keys


def advice(error: Exception, given: Sequence[str]) -> str:
    """The error's message; for an unknown key with the nearest ones in place of Hydra's advice to add it.

    `given`: the command line, whose choices say which keys there are.
    """
    if "Available options in" in str(error):
        return str(error).split("\nConfig search path")[0].rstrip()
    match = re.match(r"Could not override '([^']+)'|Key '([^']+)' is not in struct", str(error))
    if not match:
        return str(error)
    missing = match[1] or match[2]
    keys = dotted_keys(OmegaConf.to_container(composed("train", _choices(given), with_hydra=True)))
    keys = [key for key in keys if key.startswith("hydra.") == missing.startswith("hydra.")]
    keys = [key for key in keys if not missing.startswith(f"{key}.")]
    if missing.startswith("hydra.launcher.") and not _near(missing, keys):
        return f"{missing} is no option of this launcher: choose another, such as hydra/launcher=joblib"
    return no_key(missing, keys)


def no_key(missing: str, keys: Iterable[str]) -> str:
    """`dropout is no key of this configuration`, and the nearest ones or where to see all."""
    near = _near(missing, keys)
    cure = f": {near}" if near else f"; {command('train')} --cfg job shows the keys there are"
    return f"{missing} is no key of this configuration{cure}"


def _near(missing: str, keys: Iterable[str]) -> str:
    return meant(missing, keys, most=3, cutoff=0.8)


def _choices(given: Sequence[str]) -> list[str]:
    """Those of the overrides that choose an option of `conf/`."""
    chosen = []
    for override in given:
        group, _, option = override.partition("=")
        if (CONF / group / f"{option}.yaml").is_file():
            chosen.append(override)
    return chosen
