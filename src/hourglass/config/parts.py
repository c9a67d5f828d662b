"""From a configuration to its parts: the only file that makes objects from names.

A node with a `_target_` describes a part. Its entries are the keyword arguments of the target, each checked against the
signature. An entry that the target itself does not take belongs to the part inside it: `decoder.kernel_size` stands
beside `decoder.up` and is the operator's. So every option is stated once, and none is without effect.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, partial
from typing import Any, Literal

from hydra.utils import get_object

from hourglass.config.compose import read_options
from hourglass.config.configuration import Configuration, Node
from hourglass.config.slots import refuse_borrowed, refuse_foreign, refuse_other_making
from hourglass.config.trainer import check_trainer
from hourglass.config.validation import check, checked
from hourglass.core.errors import ConfigError
from hourglass.core.types import Count, Positive, Seed, Size

KEYWORD = inspect.Parameter.KEYWORD_ONLY
Parameters = Mapping[str, inspect.Parameter]
Entry = tuple[Any, str]
"""A value, and the key by which the user knows it."""


@dataclass(frozen=True)
class Settings:
    """The values of a run that are no parts."""

    seed: Seed
    checkpoint_every: Count
    """Steps between two saves of `last.ckpt`"""
    baselines: str | None
    """Folder of the baselines already computed; None: none are computed"""
    match: Literal["params", "macs", "decoder_params", "decoder_macs", "decoder_macs_fused"] | None
    match_to: Positive | None
    trial: Size | None
    """The trial of a search that this run is"""


class Parts:
    """What a configuration describes, each part checked and made once, when it is first needed.

    A part is an object, or a callable that waits for what is known only at run time: an encoder for the shape of the
    images, a logger for the run folder. Raises ConfigError for a value of the wrong type, out of range, or without
    effect.
    """

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration

    @cached_property
    def settings(self) -> Settings:
        settings = checked(Settings, self.configuration.plain, "")
        if settings.match is None and settings.match_to is not None:
            raise ConfigError("match_to has no effect without match=, such as match=params or match=decoder_macs")
        return settings

    @cached_property
    def data(self) -> Any:
        """The data module; no image is read yet."""
        more = {"augmentation": self._part("augmentation")} if "augmentation" in self.configuration.plain else {}
        return self._part("data")(corruption=self._part("corruption"), **more)

    @cached_property
    def encoder(self) -> Callable[..., Any]:
        return self._part("encoder")

    @cached_property
    def latent(self) -> Callable[..., Any]:
        return self._part("latent")

    @cached_property
    def decoder(self) -> Callable[..., Any]:
        return self._part("decoder")

    @cached_property
    def model(self) -> Callable[..., Any]:
        """Makes the autoencoder of (image_shape, encoder, latent, decoder)."""
        return self._part("model")

    @cached_property
    def loss(self) -> Any:
        return self._part("loss")

    @cached_property
    def metrics(self) -> dict[str, Callable[..., Any]]:
        """Each makes a metric of the shape of the images; the default ones where an earlier version configured none."""
        if "metrics" not in self.configuration.plain:
            return Parts(self.configuration.with_values({"metrics": read_options("metrics/default")})).metrics
        metrics = self._named("metrics")
        if "mse" not in metrics:
            raise ConfigError("metrics.mse is missing: baselines, reports and this program's own table are in it")
        return metrics

    @cached_property
    def optimizer(self) -> Callable[..., Any]:
        return self._part("optimizer")

    @cached_property
    def callbacks(self) -> dict[str, Any]:
        return self._named("callbacks")

    @cached_property
    def loggers(self) -> dict[str, Callable[..., Any]]:
        return self._named("logger")

    @cached_property
    def trainer(self) -> Callable[..., Any]:
        options = self.configuration.plain["trainer"]
        check_trainer(options)
        return self._make({key: value for key, value in options.items() if key != "compile"}, "trainer", "trainer", {})

    @property
    def compiles(self) -> bool:
        """Is the autoencoder compiled for training?"""
        return bool(self.configuration.plain["trainer"].get("compile", False))

    def autoencoder(self, image_shape: tuple[int, ...], channels: list[int] | None = None) -> Any:
        """The untrained autoencoder, with other `channels` where they are given.

        Raises IncompatiblePair where its parts cannot work together.
        """
        encoder = self.encoder if channels is None else partial(self.encoder, channels=channels)
        return self.model(image_shape, encoder=encoder, latent=self.latent, decoder=self.decoder)

    def _part(self, group: str) -> Any:
        return self._make(self.configuration.plain.get(group), group, group, {})

    def _named(self, group: str) -> dict[str, Any]:
        nodes: Node = self.configuration.plain.get(group) or {}
        if not isinstance(nodes, dict):
            raise ConfigError(f"{group}={nodes} describes nothing: it holds parts, each under a name of its own")
        return {name: self._make(node, f"{group}.{name}", f"{group}.*", {}) for name, node in nodes.items()}

    def _make(self, node: Any, path: str, slot: str, handed_down: dict[str, Entry]) -> Any:
        """The part that `node` describes; `handed_down` are entries of the node around it."""
        if not _is_part(node):
            group, _, name = slot.partition(".")
            cure = f"leave it out with ~{path}" if name else f"choose an option of conf/{group}, as in {group}=NAME"
            raise ConfigError(f"{path}={node} describes nothing: {cure}")
        trust = self.configuration.trust
        if trust is not None:
            refuse_foreign(node["_target_"], slot, path, trust)
            refuse_other_making(node, slot, path)
        target = _target(node["_target_"], path)
        if trust is not None:
            refuse_borrowed(target, node["_target_"], path)
        options = {key: value for key, value in node.items() if not str(key).startswith("_")}
        entries: dict[str, Entry] = {key: (value, f"{path}.{key}") for key, value in options.items()} | handed_down
        parameters = _parameters(target)
        inside = [key for key, (value, _) in entries.items() if key in parameters and _is_part(value)]
        others = {key: entry for key, entry in entries.items() if key not in parameters}
        arguments: dict[str, Any] = {}
        for key, (value, where) in entries.items():
            if key in parameters and key not in inside:
                check(value, parameters[key].annotation, where)
                arguments[key] = value
        if others and len(inside) != 1:
            known = ", ".join(name for name, p in parameters.items() if p.kind is p.KEYWORD_ONLY) or "none"
            _, where = next(iter(others.values()))
            raise ConfigError(f"{where}: {target.__qualname__} has no such option; it has {known}")
        for key in inside:
            value, where = entries[key]
            arguments[key] = self._make(value, where, f"{slot}.{key}", others)
        waits = bool(node.get("_partial_"))
        if trust is not None or not waits:
            self._refuse_gaps(parameters, arguments, waits, path)
        return partial(target, **arguments) if waits else target(**arguments)

    def _refuse_gaps(self, parameters: Parameters, arguments: Mapping[str, Any], waits: bool, path: str) -> None:
        """Raise ConfigError for an option that is missing; one that `waits` is given the others, and parts, later."""
        for name, parameter in parameters.items():
            later = waits and (parameter.kind is not KEYWORD or _is_part(self.configuration.plain.get(name)))
            given = name in arguments or parameter.default is not parameter.empty
            if not (given or later or parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)):
                raise ConfigError(f"{path}.{name} is missing: this part needs it")


def _is_part(value: Any) -> bool:
    return isinstance(value, dict) and "_target_" in value


def _target(name: str, path: str) -> Callable[..., Any]:
    try:
        return get_object(name)
    except ImportError as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"{path}._target_={name} cannot be imported: {reason}") from error


@cache
def _parameters(target: Callable[..., Any]) -> Parameters:
    return inspect.signature(target, eval_str=True).parameters
