"""Which pairs can be exported, found out by exporting each of them, on a tiny network.

python tools/export_table.py            what is known so far
python tools/export_table.py --write    find out what is missing, and put the table into docs/operators/export.md

It takes 5 seconds a network, and goes on where it was stopped: docs/operators/export.json is written after each.
With another version of torch it begins anew.
"""

import itertools
import json
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from marked_page import ROOT, print_or_write

from hourglass.config.compose import compose_train, options
from hourglass.config.parts import Parts
from hourglass.core.errors import HourglassError, IncompatiblePair
from hourglass.core.files import write_json
from hourglass.nn import Autoencoder
from hourglass.nn.export.formats import Format
from hourglass.nn.export.parts import Part
from hourglass.nn.export.trace import trace
from hourglass.nn.export.write import write
from hourglass.runs.export.export import images_of

PAGE = ROOT / "docs" / "operators" / "export.md"
KNOWN = PAGE.with_suffix(".json")
BEGIN, END = "<!-- export: python tools/export_table.py --write -->", "<!-- /export -->"
FORMS: tuple[Format, ...] = ("pt2", "onnx")
SHAPE, CHANNELS = (1, 8, 8), "channels=[4]"
ANY, OWN = "any size", "its own size"
SIGNS = {ANY: "✓", OWN: "1"}


@cache
def part_of(group: str, option: str) -> Any:
    return getattr(Parts(compose_train([f"{group}={option}", CHANNELS])), group)


@cache
def networks() -> list[tuple[str, str, str]]:
    """Every pair that works without a latent, and every encoder with every latent: (encoder, latent, decoder)."""
    pairs = [
        *((encoder, "none", decoder) for encoder, decoder in itertools.product(options("encoder"), options("decoder"))),
        *((encoder, latent, "linear") for encoder in options("encoder") for latent in options("latent")),
    ]
    return [pair for pair in dict.fromkeys(pairs) if built(*pair) is not None]


@cache
def built(encoder: str, latent: str, decoder: str) -> Autoencoder | None:
    torch.manual_seed(0)
    made = {"encoder": part_of("encoder", encoder), "decoder": part_of("decoder", decoder)}
    try:
        return Autoencoder(SHAPE, **made, latent=part_of("latent", latent), output="sigmoid").eval()
    except IncompatiblePair:
        return None


def export(network: tuple[str, str, str]) -> dict[str, str]:
    """Format -> `ANY`, `OWN`, or why not."""
    autoencoder = built(*network)
    assert autoencoder is not None, "of those that work"
    results: dict[str, str] = {}
    part = Part(autoencoder, "autoencoder").eval()
    with TemporaryDirectory() as folder:
        traced = None
        for form in FORMS:
            try:
                traced = traced or trace(part)
                written = write(part, form, Path(folder, f"part.{form}"), partial(images_of, SHAPE[0]), {}, traced)
                results[form] = ANY if written.dynamic else OWN
            except HourglassError as error:
                results[form] = str(error)
    return results


def known() -> dict[str, dict[str, str]]:
    there = json.loads(KNOWN.read_text(encoding="utf-8")) if KNOWN.exists() else {}
    return there.get("networks", {}) if there.get("torch") == _version() else {}


def find_out() -> None:
    """Export what has not been exported with this torch."""
    results = known()
    for network in networks():
        name = "/".join(network)
        if name not in results:
            results[name] = export(network)
            write_json(KNOWN, {"torch": _version(), "networks": results})
            print(name, *results[name].values(), sep="  ", flush=True)


def table() -> str:
    """A row a decoder, a column an encoder, pt2 and ONNX in a cell; then the latents, and why what is refused is."""
    results, reasons = known(), list[str]()

    def cell(*network: str) -> str:
        result = results.get("/".join(network))
        if result is None:
            return "·" if built(*network) is None else "?"
        for why in result.values():
            if why not in (*SIGNS, *reasons):
                reasons.append(why)
        return " ".join(SIGNS.get(why) or chr(97 + reasons.index(why)) for why in result.values())

    encoders, lines = options("encoder"), []
    head = "| decoder ↓ encoder → | " + " | ".join(f"`{encoder}`" for encoder in encoders) + " |"
    lines += [head, "|---|" + ":-:|" * len(encoders)]
    for decoder in options("decoder"):
        lines.append(f"| `{decoder}` | " + " | ".join(cell(encoder, "none", decoder) for encoder in encoders) + " |")
    for latent in (latent for latent in options("latent") if latent != "none"):
        cells = [cell(encoder, latent, "linear") for encoder in encoders]
        lines.append(f"| `latent={latent}`, `linear` | " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", *(f"- {chr(97 + i)}: {why}" for i, why in enumerate(reasons))]).rstrip()


def _version() -> str:
    return ".".join(torch.__version__.split(".")[:2])


if __name__ == "__main__":
    torch.set_num_threads(1)
    print_or_write(__doc__, PAGE, BEGIN, END, table, find_out)
