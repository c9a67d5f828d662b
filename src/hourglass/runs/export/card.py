"""What is told of an exported file: for programs as JSON, for people as Markdown."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hourglass.config.configuration import flat
from hourglass.config.identity import without_volatile
from hourglass.core import provenance
from hourglass.core.text import as_option, number
from hourglass.nn import Autoencoder
from hourglass.nn.export.formats import dimensions
from hourglass.nn.export.parts import Part, Port
from hourglass.nn.export.trace import LEAST_CELLS
from hourglass.nn.export.write import LIMIT, Written
from hourglass.runs.export.licences import licence_of
from hourglass.runs.read import read_configuration, read_summary

Card = dict[str, Any]
CARD_FORMAT = 1
COLOURS = {1: "grey", 3: "colour, red green blue"}
SHOWN = ("test/mse", "test/psnr", "test/ssim", "val/loss")
"""Metrics in the Markdown; the JSON has them all."""
RUNS_WITH = {
    "safetensors": "the weights by name; `hourglass`, or any code that builds the same network, gives them life",
    "pt2": "`torch.export.load(file).module()`, with torch alone",
    "onnx": "onnxruntime, or anything else that takes ONNX",
}


def of_the_run(folder: Path, trust: Sequence[str], autoencoder: Autoencoder) -> Card:
    """Whose network it is: its configuration without what only one machine knows, its data and its results."""
    summary = read_summary(folder) or {}
    configuration = read_configuration(folder, trust)
    choices = summary.get("choices", {})
    data = choices.get("data", "unknown")
    widths = [shape[0] for shape in autoencoder.encoder.spec.shapes[1:]]  # `match=` scales the configured ones
    identity, inner = configuration.id, getattr(autoencoder.decoder, "channels", None)
    if inner is not None and inner != widths[:-1]:
        configuration = configuration.with_values({"decoder.channels": inner})
    return {
        "format": CARD_FORMAT,
        "run": {"id": identity, "status": summary.get("status"), "seed": summary.get("seed")},
        "choices": choices,
        "image_shape": list(autoencoder.image_shape),
        "channels": widths if "channels" in configuration.plain["encoder"] else None,
        "preprocessing": preprocessing(autoencoder),
        "data": {"name": data, "licence": licence_of(data)} | summary.get("data", {}),
        "metrics": summary.get("metrics", {}),
        "cost": summary.get("cost", {}),
        "versions": provenance.versions(),
        "trained_with": summary.get("versions", {}),
        "configuration": without_volatile(configuration.plain),
    }


def preprocessing(autoencoder: Autoencoder) -> dict[str, Any]:
    """What has to be done to a picture before it goes in."""
    channels, height, width = autoencoder.image_shape
    return {
        "dtype": "float32",
        "range": [0, 1],
        "channels": COLOURS.get(channels, f"{channels} channels"),
        "size": [height, width],
        "fit": "crop to this aspect, or not; then resize (bilinear, with antialiasing), as fit=crop and fit=resize do",
    }


def of_the_file(part: Part, name: str, form: str, written: Written) -> Card:
    """What the file takes, returns and was checked for."""
    size: dict[str, Any] = {"dynamic": written.dynamic}
    if written.dynamic:
        assert part.step is not None, "else it would not be dynamic"
        size |= {"multiple_of": part.step, "at_least": LEAST_CELLS * part.step}
    else:
        size["why"] = written.why_fixed
    return {
        "file": name,
        "file_format": form,
        "run_with": RUNS_WITH[form],
        "part": part.part,
        "opset": written.opset,
        "inputs": [_port(port, written.dynamic, part) for port in part.inputs],
        "outputs": [_port(port, written.dynamic, part) for port in part.outputs],
        "batch": "any",
        "size": size,
        "check": {
            "images": written.difference.images,
            "largest_difference": written.difference.largest,
            "share_beyond_limit": written.difference.share,
            "limit": LIMIT,
        },
    }


def _port(port: Port, dynamic: bool, part: Part) -> dict[str, Any]:
    meaning = "the code at its narrowest"
    if port.grid == 1 and port.name in ("images", "reconstruction"):
        in_range = port.name == "images" or part.autoencoder.output == "sigmoid"
        meaning = "pixels in [0, 1]" if in_range else "pixels, which may leave [0, 1] a little"
    elif port.integer:
        kind = part.autoencoder.decoder.needs_index
        meaning = {
            "argmax": "flat position, row·width + column, of each maximum in the stage's input",
            "polyphase": "which of the sub-sampled grids was kept, row·factor + column",
        }.get(str(kind), str(kind))
    dtype = "int64" if port.integer else "float32"
    return {"name": port.name, "shape": dimensions(port, dynamic), "dtype": dtype, "meaning": meaning}


def as_markdown(card: Card) -> str:
    """The card for people; texts of the run are shown as code, in which nothing is markup."""
    size = card["size"]
    of_any_size = f"any multiple of {size.get('multiple_of')} from {size.get('at_least')} on"
    sides = "×".join(map(str, card["image_shape"][1:]))
    check, ready, metrics = card["check"], card["preprocessing"], card["metrics"]
    ties = f"; {check['share_beyond_limit']:.1e} of the values are ties that fell otherwise"
    if not check["share_beyond_limit"]:
        ties = ""
    results = ", ".join(f"{key} {number(metrics.get(key))}" for key in SHOWN)
    lines = [
        f"# {card['file']}",
        "",
        f"The {card['part']} of an autoencoder that hourglass trained, as {card['file_format']}: {card['run_with']}.",
        "",
        "| | name | shape | dtype | |",
        "|---|---|---|---|---|",
        *(_row("in", port) for port in card["inputs"]),
        *(_row("out", port) for port in card["outputs"]),
        "",
        f"- **Batch**: any. **Height and width**: {of_any_size if size['dynamic'] else f'{sides}, fixed: '}"
        f"{'' if size['dynamic'] else _code(size['why'])}.",
        f"- **Preprocessing**: {ready['channels']}, {ready['dtype']} in [0, 1] (bytes / 255); "
        f"{ready['fit']}, to {sides}.",
        f"- **Checked** on {check['images']} images: the largest difference from the original is "
        f"{check['largest_difference']:.1e}, of {check['limit']:g} allowed{ties}.",
        f"- **Trained on** {_code(card['data']['name'])}. Images and their licence: {card['data']['licence']}.",
        f"- **Network**: {_code(', '.join(f'{key}={value}' for key, value in card['choices'].items()) or 'see below')}",
        f"- **Results**: {results}.",
        f"- **Versions**: {', '.join(f'{key} {value}' for key, value in card['versions'].items())}.",
        "",
        "## Configuration",
        "",
        *(f"    {key}: {' '.join(as_option(value).split())}" for key, value in flat(card["configuration"]).items()),
    ]
    return "\n".join(lines) + "\n"


def _row(direction: str, port: dict[str, Any]) -> str:
    shape = ", ".join(map(str, port["shape"]))
    return f"| {direction} | `{port['name']}` | ({shape}) | {port['dtype']} | {port['meaning']} |"


def _code(text: object) -> str:
    """As code on one line, whatever a stranger wrote."""
    return f"`{' '.join(str(text).replace('`', chr(39)).split())}`"
