"""From a configuration to its parts, and from a run folder back to them. The only file that knows `instantiate`."""

import importlib
import os
import pickle
import re
from functools import cache
from pathlib import Path
from typing import Any

import hydra.utils
import torch
from hydra.errors import InstantiationException
from lightning.fabric.plugins.environments import LightningEnvironment
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import Callback, TQDMProgressBar
from lightning.pytorch.loggers import Logger
from omegaconf import DictConfig, OmegaConf

from hourglass.cli.commands import CONF
from hourglass.config import identity as ids
from hourglass.config import validation as checks
from hourglass.config.identity import resolved
from hourglass.core.errors import ConfigError, DataError, HourglassError
from hourglass.core.signals import StopRequest
from hourglass.core.types import Count
from hourglass.data.datamodule import ImageData
from hourglass.nn.autoencoder import Autoencoder
from hourglass.training.checkpoints import BestCheckpoint, DurableCheckpointIO
from hourglass.training.loggers.metrics_csv import MetricsCsv
from hourglass.training.module import AutoencoderModule
from hourglass.training.resume import LastCheckpoint, Position


def part(config: DictConfig, path: str) -> Any:
    """What the node at `path` describes: an object, or with `_partial_` a callable that waits for run-time facts."""
    node = OmegaConf.select(config, path)
    plain = OmegaConf.to_container(node, resolve=True)
    raw = OmegaConf.to_container(node, resolve=False)
    checked = _checked(plain, raw, path)
    try:
        return hydra.utils.instantiate(checked, _convert_="all")
    except InstantiationException as error:
        if isinstance(error.__cause__, HourglassError):
            raise error.__cause__ from None
        raise


def _checked(node: Any, raw: Any, path: str) -> Any:
    """The node with its values checked, and without the entries that only parts inside it read."""
    target = hydra.utils.get_object(node["_target_"])
    taken = checks.arguments(node, raw, target, path)
    for key, value in taken.items():
        if isinstance(value, dict) and "_target_" in value:
            taken[key] = _checked(value, raw[key], f"{path}.{key}")
    return {key: value for key, value in node.items() if key.startswith("_")} | taken


def data(config: DictConfig) -> ImageData:
    """The data module; no image is read yet."""
    return part(config, "data")(corruption=part(config, "corruption"))


def autoencoder(config: DictConfig, image_shape: tuple[int, ...]) -> Autoencoder:
    """The untrained autoencoder; raises IncompatiblePair where its parts cannot work together."""
    parts = {name: part(config, name) for name in ("encoder", "latent", "decoder")}
    return part(config, "model")(image_shape, **parts)


def module(config: DictConfig, model: Autoencoder) -> AutoencoderModule:
    return AutoencoderModule(
        model, part(config, "loss"), part(config, "optimizer"), seed=config.seed, config=resolved(config)
    )


def callbacks(config: DictConfig) -> list[Callback]:
    return [part(config, f"callbacks.{name}") for name in config.callbacks]


def loggers(config: DictConfig, folder: Path, run_id: str, name: str, group: str | None) -> list[Logger]:
    """`metrics.csv`, then what `logger=` chose; one that cannot work has said so and is left out."""
    chosen = [part(config, f"logger.{key}")(folder, run_id, name, group) for key in config.logger or {}]
    return [MetricsCsv(folder), *(logger for logger in chosen if logger is not None)]


def trainer(config: DictConfig, folder: Path, loggers: list[Logger], stop: StopRequest, *, bar: bool) -> Trainer:
    """Lightning's trainer, with the callbacks of the configuration and those that make a run exact and resumable."""
    checks.check(config.checkpoint_every, Count, "checkpoint_every")
    bar = bar and config.trainer.enable_progress_bar
    checkpoints = folder / "checkpoints"
    trial: list[Callback] = []
    if config.trial is not None:
        from hourglass.sweeps.search.pruning import Pruning

        trial = [Pruning(config)]
    built: Trainer = part(config, "trainer")(
        default_root_dir=folder,
        logger=loggers,
        enable_progress_bar=bar,
        callbacks=[
            Position(config.seed),
            *callbacks(config),
            *trial,
            *([TQDMProgressBar(refresh_rate=10)] if bar else []),
            LastCheckpoint(checkpoints / "last.ckpt", config.checkpoint_every, stop),
            BestCheckpoint(checkpoints, filename="best", monitor="val/loss", enable_version_counter=False),
        ],
        plugins=[DurableCheckpointIO(), *([LightningEnvironment()] if "HOURGLASS_RANK" in os.environ else [])],
    )
    # `stop` handles SIGTERM; Lightning would from within the handler talk to the other ranks, which are busy elsewhere
    built._signal_connector._sigterm_notifier_fn = lambda *_: None  # type: ignore[method-assign]
    return built


def load_run(folder: str | Path, checkpoint: str = "best") -> Autoencoder:
    """The trained autoencoder of a run folder, in `eval` mode on the CPU; `checkpoint` is `best` or `last`.

    Needs no Hydra state. Nothing in the folder is executed: the configuration may name classes of this package only and
    hold no resolver, and checkpoints are loaded with `weights_only=True`. Raises DataError where a file is missing.
    """
    folder = Path(folder)
    config = config_of(folder)
    path = folder / "checkpoints" / f"{checkpoint}.ckpt"
    if not path.exists():
        raise DataError(f"{path} does not exist: the run has not saved it (yet), see {folder / 'summary.json'}")
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise DataError(f"{path} cannot be read ({error}): it was damaged after it was written") from error
    weights, built = saved["state_dict"], saved["config"]
    config.channels = built["channels"]  # `match=` has scaled the configured ones
    if "channels" in built["encoder"]:
        config.encoder.channels = built["encoder"]["channels"]
    model = autoencoder(config, data(config).image_shape)
    prefix = "autoencoder."
    model.load_state_dict({key.removeprefix(prefix): w for key, w in weights.items() if key.startswith(prefix)})
    return model.to(memory_format=torch.channels_last).eval()


def load_data(folder: str | Path) -> ImageData:
    """The data module of a run folder, with its images read: `pick("test", range(8))` gives a corrupted batch."""
    module = data(config_of(Path(folder)))
    module.setup()
    return module


def config_of(folder: Path) -> DictConfig:
    """The configuration of a run, that names nothing but parts of this package."""
    path = folder / ".hydra" / "config.yaml"
    if not path.exists():
        raise DataError(f"{path} does not exist: {folder} is not a run folder")
    config = OmegaConf.load(path)
    refuse_foreign_code(OmegaConf.to_container(config, resolve=False), path)
    return config  # type: ignore[return-value]


def refuse_foreign_code(node: Any, path: Path, key: str = "config") -> None:
    """Raise ConfigError where a configuration names anything but what this package defines, or its own YAML names.

    `instantiate` would run whatever stands there, `torch.load` included.
    """
    if isinstance(node, dict):
        target = node.get("_target_")
        if target is not None and str(target) not in named_here() and not defined_here(str(target)):
            raise ConfigError(
                f"{path}: {key}._target_={target} is not a part of hourglass, nor named in conf/; nothing was run"
            )
        for name, value in node.items():
            refuse_foreign_code(value, path, f"{key}.{name}")
    elif isinstance(node, list):
        for i, value in enumerate(node):
            refuse_foreign_code(value, path, f"{key}[{i}]")
    elif isinstance(node, str) and ids.RESOLVER.search(node):
        raise ConfigError(
            f"{path}: {key}={node} asks for more than a value of the configuration; nothing was run. If you trust it, "
            "write the value there"
        )


@cache
def named_here() -> frozenset[str]:
    """The targets that the files in `conf/` name, Lightning's trainer and callbacks among them."""
    texts = (path.read_text() for path in CONF.rglob("*.yaml"))
    return frozenset(target for text in texts for target in re.findall(r"_target_:\s*([\w.]+)", text))


def defined_here(target: str) -> bool:
    """Does a package of ours export a class or function of that name?"""
    package, _, name = target.rpartition(".")
    if not re.fullmatch(r"hourglass(\.\w+)+", package):
        return False
    try:
        module = importlib.import_module(package)
    except ImportError:
        return False
    return name in getattr(module, "__all__", ())
