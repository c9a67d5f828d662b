"""Which metrics a run will have, as far as its configuration tells before it has begun."""

from collections.abc import Iterable, Mapping

from hydra.utils import get_object

from hourglass.config.compose import options, read_options
from hourglass.config.configuration import Node, targets
from hourglass.core.measures import COSTS, GROUPS, MEASURES, OBJECTIVE, OF_LATENTS, find
from hourglass.core.text import meant
from hourglass.runs.baselines.names import BASELINES

OF_TRAINING = (*OBJECTIVE, *OF_LATENTS, "dead_codes")
"""What a run may log of its training and validation images, beside its metrics, and what its parts describe"""


def measures(plain: Node, name: str) -> bool:
    """Will a run of this configuration have `val/mse`? True where a part of another package may log anything."""
    group, _, what = name.partition("/")
    if group not in GROUPS:
        return False
    if group in ("ratio", "baseline"):
        return what in BASELINES
    if group == "cost":
        return what in COSTS
    if what in (plain["metrics"] or {}):
        return True
    of_training = group in ("train", "val")
    ours = what in OF_TRAINING if of_training else find(what) is not None and what not in _optional()
    return ours or _described(plain, what)


def not_measured(jobs: Iterable[Node], name: str) -> str:
    """What to say of a metric that runs of none of these configurations have."""
    group, _, what = name.partition("/")
    if group not in GROUPS:
        near = meant(group, GROUPS)
        return f"{group} is no group of metrics: {near or 'there are ' + ', '.join(GROUPS)}"
    if what in (optional := _optional()):
        return f"no run measures it: add metrics=[default,{optional[what]}]"
    known = {"ratio": [*BASELINES], "baseline": [*BASELINES], "cost": [*COSTS]}.get(group)
    if known is None:
        metrics = dict.fromkeys(one for plain in jobs for one in plain["metrics"] or {})
        known = [*metrics, *(OF_TRAINING if group in ("train", "val") else MEASURES)]
    near = meant(name, [f"{group}/{one}" for one in known], cutoff=0.8)
    return f"no run has a metric of this name{f': {near}' if near else ', such as test/mse and val/mse'}"


def _optional() -> dict[str, str]:
    """The metrics that runs have only where they are asked for -> the option that asks."""
    asked = (option for option in options("metrics") if option != "default")
    return {name: option for option in asked for name in read_options(f"metrics/{option}")}


def _described(plain: Node, what: str) -> bool:
    """Does a part describe a number of this name? True where that cannot be told, of a part of another package."""
    for group in ("latent", "loss", "callbacks"):
        for target in targets(plain[group]):
            if not target.startswith(("hourglass.", "lightning.")):
                return True
            described = getattr(get_object(target), "measures", {})
            if isinstance(described, Mapping) and find(what, described):
                return True
    return False
