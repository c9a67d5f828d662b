"""A trained run as a file: written, read again, compared with the original, and only then kept, with a card."""

import json
from functools import partial

import torch
from torch import Tensor

from hourglass.core.files import replacing, write_json
from hourglass.core.text import printable
from hourglass.core.types import Size2d
from hourglass.data import Synthetic
from hourglass.nn.export.parts import Part
from hourglass.nn.export.write import Written, write
from hourglass.runs.export.card import Card, as_markdown, of_the_file, of_the_run
from hourglass.runs.export.request import Options
from hourglass.runs.load import load_run

IMAGES, NOISE = 8, 0.05
"""Gratings, bars and flat fields on which a file is compared with its network, and how noisy they are: in a flat field
alone every maximum would be shared."""


def export(options: Options) -> Card:
    """Write the file and its card, say what they are, and return the card.

    Raises ConfigError where the network has no such form; DataError, and keeps nothing, where the file computes
    something else.
    """
    autoencoder = load_run(options.folder, trust=options.trust)
    part = Part(autoencoder.to(memory_format=torch.contiguous_format), options.part).eval().requires_grad_(False)
    card = of_the_run(options.folder, options.trust, autoencoder)
    metadata = {"hourglass": json.dumps(card | {"part": options.part}, allow_nan=False)}
    options.file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(options.file, durable=True) as file:
        written = write(part, options.format, file, partial(images_of, autoencoder.image_shape[0]), metadata)
        size = file.stat().st_size
    card = of_the_file(part, options.file.name, options.format, written) | card
    markdown, machine = options.cards
    write_json(machine, card)
    with replacing(markdown) as file:
        file.write_text(as_markdown(card), encoding="utf-8")
    _tell(options, card, written, size)
    return card


def images_of(channels: int, size: Size2d) -> Tensor:
    """(IMAGES, channels, *size) in [0, 1], always the same."""
    source = Synthetic(image_shape=(channels, *size), train=1, test=IMAGES, seed=0)
    clean = source.load().test.float() / 255
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    return (clean + NOISE * noise).clamp(0, 1)


def _tell(options: Options, card: Card, written: Written, size: int) -> None:
    opset = f", opset {written.opset}" if written.opset else ""
    print(printable(f"{options.file}  {size:,} bytes{opset}"))
    for word, ports in (("takes", card["inputs"]), ("returns", card["outputs"])):
        shapes = ", ".join(f"{port['name']} ({', '.join(map(str, port['shape']))})" for port in ports)
        print(f"  {word:<8}{shapes}")
    of_any = f"height and width any multiple of {card['size'].get('multiple_of')}"
    print(printable(f"  size    {of_any if written.dynamic else f'fixed, because {written.why_fixed}'}"))
    print(f"  checked {written.difference.images} images, largest difference {written.difference.largest:.1e}")
    print(printable(f"  card    {options.cards[0]}, {options.cards[1].name}"))
