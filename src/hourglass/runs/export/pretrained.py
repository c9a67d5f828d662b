"""A trained autoencoder as a folder for the Hugging Face Hub, and back: safetensors and JSON, which execute nothing."""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from hourglass.config.parts import Parts
from hourglass.config.validation import check
from hourglass.core.errors import DataError, Torn
from hourglass.core.files import inside, read_text, replacing, write_json
from hourglass.core.formats import check_format
from hourglass.core.text import first_line
from hourglass.core.types import Channels, Count
from hourglass.nn import Autoencoder
from hourglass.nn.export.formats import needs_extra
from hourglass.nn.export.parts import Part
from hourglass.nn.export.write import write
from hourglass.runs.export.card import as_markdown, of_the_file, of_the_run
from hourglass.runs.export.export import images_of
from hourglass.runs.load import build, load_run
from hourglass.runs.read import distrusted
from hourglass.training.checkpoints import PREFIX

WEIGHTS, CONFIG, CARD = "model.safetensors", "config.json", "README.md"
LARGEST_CONFIG = 100_000
"""Bytes; ours have 4,000."""
FRONT = "---\nlibrary_name: hourglass\npipeline_tag: image-feature-extraction\ntags: [autoencoder, hourglass]\n---\n\n"
"""What the Hub wants to read at the top of a card."""


def save_pretrained(run: str | Path, folder: str | Path, *, trust: Sequence[str] = (), overwrite: bool = False) -> None:
    """Write the best weights of a run folder, its configuration and a card into `folder`.

    Pushing it is the Hub's own: `hf upload ME/NAME FOLDER`. `trust` and errors as of `load_run`; DataError where the
    folder holds such files already and not `overwrite`.
    """
    run, folder = Path(run), Path(folder)
    there = [folder / name for name in (WEIGHTS, CONFIG, CARD) if (folder / name).exists()]
    if there and not overwrite:
        raise DataError(f"{there[0]} exists: choose another folder, or overwrite=True")
    autoencoder = load_run(run, trust=trust)
    part, card = Part(autoencoder, "autoencoder").eval(), of_the_run(run, trust, autoencoder)
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / WEIGHTS, durable=True) as file:
        written = write(part, "safetensors", file, partial(images_of, autoencoder.image_shape[0]), {})
    kept = {key: card[key] for key in ("format", "image_shape", "channels", "configuration")}
    write_json(folder / CONFIG, {"hourglass": kept})
    with replacing(folder / CARD) as file:
        file.write_text(
            FRONT + as_markdown(of_the_file(part, WEIGHTS, "safetensors", written) | card), encoding="utf-8"
        )


def from_pretrained(source: str | Path, *, trust: Sequence[str] = (), revision: str | None = None) -> Autoencoder:
    """The autoencoder of a folder of `save_pretrained`, or of a model on the Hub (`owner/name`, at a `revision`).

    In `eval` mode on the CPU. Nothing of it is executed, as of `load_run`, and parts of other packages are made only
    where `trust` names them. Raises DataError where something is missing, damaged, or of another network.
    """
    if Path(source).is_dir():
        config, weights = Path(source) / CONFIG, Path(source) / WEIGHTS
    else:
        config, weights = (_downloaded(str(source), name, revision) for name in (CONFIG, WEIGHTS))
    told = _told(config)
    configuration = distrusted(lambda: told["configuration"], str(config), trust)
    for key, annotation in (("image_shape", tuple[Count, Count, Count]), ("channels", Channels | None)):
        check(told[key], annotation, f"{config}: {key}")
    saved = {"state_dict": {PREFIX + name: tensor for name, tensor in _tensors(weights).items()}}
    missing = [group for group in ("encoder", "latent", "decoder", "model") if group not in configuration.plain]
    if missing:
        raise Torn(f"{config} describes no {missing[0]}: it was not made by save_pretrained")
    if told["channels"] is not None and "channels" not in configuration.plain["encoder"]:
        raise Torn(f"{config} has channels for an encoder that has none: it was not made by save_pretrained")
    return build(Parts(configuration), tuple(told["image_shape"]), told["channels"], saved, weights)


def _told(path: Path) -> dict[str, Any]:
    """What `config.json` says of an autoencoder of ours."""
    try:
        told = json.loads(read_text(path, path.parent, largest=LARGEST_CONFIG))["hourglass"]
        check_format(told, path)
        _ = (dict(told["configuration"]), told["image_shape"], told["channels"])
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist: {path.parent} was not made by save_pretrained") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Torn(
            f"{path} is no configuration of save_pretrained ({type(error).__name__}: {first_line(error)})"
        ) from error
    return dict(told)


def _tensors(path: Path) -> dict[str, Any]:
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ModuleNotFoundError as error:
        raise needs_extra(error) from None
    try:
        tensors: dict[str, Any] = load_file(inside(path, path.parent))
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist: {path.parent} was not made by save_pretrained") from error
    except (SafetensorError, ValueError, KeyError) as error:
        raise Torn(f"{path} cannot be read ({first_line(error)}): it was damaged, or is another file") from error
    if not all(one.isfinite().all() for one in tensors.values()):
        raise DataError(f"{path} holds weights that are no finite numbers: it is of no use")
    return tensors


def _downloaded(source: str, name: str, revision: str | None) -> Path:
    """A file of a model on the Hub, in its cache, whose links lead to the file itself."""
    try:
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError
    except ModuleNotFoundError as error:
        raise needs_extra(error) from None
    try:
        return Path(hf_hub_download(source, name, revision=revision)).resolve()
    except (HFValidationError, HfHubHTTPError, OSError) as error:
        raise DataError(f"{source} is no folder, and no {name} of it came from the Hub: {first_line(error)}") from error
