"""Whether a configuration takes the values that are to be tried, told before anything is trained."""

from hourglass.config.configuration import Configuration
from hourglass.config.parts import Parts
from hourglass.core.errors import ConfigError, IncompatiblePair

PART_OF = {group: group for group in ("data", "loss", "optimizer", "callbacks", "metrics", "trainer")} | {
    "corruption": "data",
    "augmentation": "data",
}
"""Group -> what it describes of a run, or a part of it; any other key may be of the network."""


def refusal(configuration: Configuration, key: str) -> str:
    """Why a configuration is refused for the value that it has for a dotted key; empty where it is not.

    Parts that cannot work together are no reason: their jobs say so, whatever the value.
    """
    parts, group = Parts(configuration), key.partition(".")[0]
    try:
        _ = parts.settings
        if group in PART_OF:
            getattr(parts, PART_OF[group])
        else:
            _build(parts)
    except ConfigError as error:
        return str(error)
    except IncompatiblePair:
        return ""
    return ""


def _build(parts: Parts) -> None:
    """The network, on one thread: what forks later must find none of OpenMP's."""
    import torch  # late: what needs no network is told without it

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        parts.autoencoder(parts.data.image_shape)
    finally:
        torch.set_num_threads(threads)
