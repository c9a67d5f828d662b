"""The page of cards, `docs/operators/`: its texts and pictures, and writing them."""

import io
from pathlib import Path

from hourglass.cli.commands import CONF
from hourglass.report.cards import untrained
from hourglass.report.cards.canvas import Canvas
from hourglass.report.cards.card import Row, card, overview
from hourglass.report.cards.probes import probe
from hourglass.report.cards.variants import CHANNELS, FACTOR, REFERENCE, Group, Variant, variants
from hourglass.report.cards.words import markdown, words_of

FOLDER = CONF.parent / "docs" / "operators"

Files = dict[str, Canvas | str]
"""Name -> picture or text."""

INTRODUCTION = f"""\
# The operators, before any training

Drawn by `python operators.py` from what [`conf/`](../../conf) holds; CI checks that it is up to date. Every operator
maps {CHANNELS} channels to {CHANNELS} at factor {FACTOR}, with matched random weights, without an activation, and was
never trained. The numbers of the ways up, over {untrained.INITS} initialisations, stand side by side in
[untrained.md](untrained.md).

![All operators, one row each](overview.png)

## How to read a card

- **Impulse response**: what one value of one channel becomes, in one channel of the output; red is positive, blue
  negative. Of a way down, what *one value sees*: its gradient on the image side, where noise stands.
- **Values per pixel**, the overlap: how many values of the coarse grid each pixel of the fine grid is made of (up) or
  contributes to (down), in each pair of channels. The stamps of a stride that does not divide the kernel overlap
  unevenly. It counts and does not weigh: the blur of 3 taps has 9:6:6:4, and weights that make up for it.
- **Flat field in**: the response to ones, less its mean, of a channel of typical power. White is what it should be; a
  pattern inside is a checkerboard, a coloured rim the zeros around the image. *Gain share*: how much of the power is
  pattern. Random weights make it (s² - 1)/s² = 0.75, **with even overlap too**.
- **Step edge in**: from 0 to 1 at the middle; up, two rows next to each other, down, two edges one pixel apart.
- **Spectrum** of the response to white noise and to a smooth field (1/f, mean 1), in dB over the mean of the spectrum.
  The axes are frequencies in cycles a pixel; 0 is taken out. Rings mark the harmonics of the stride, where copies of
  the image's spectrum come to lie: bright is a checkerboard, dark a hole. *PEI*: is the power the same in all phases?
  *HP*: harmonics over their neighbours. *PB*: share of the variance that is a pattern of period {FACTOR}.
- **Gradient of flat** (down): what comes back to the image side where the gradient is the same everywhere.
  *Pattern*: the share of its power that has period {FACTOR}; 0.75 where random weights meet a stride.
- **Power let through** (down): how strongly each frequency of the image side reaches the coarse grid. What lies outside
  the square is too fast for that grid and is *aliased*: it comes back as a false slow pattern.

Counts, shares and spectra are defined in `hourglass.report.cards` and `hourglass.metrics`. `linear` has no grid and no
card.
"""


def generate() -> Files:
    """Every file of the page: the two texts, the overview, a card for each operator."""
    groups: dict[Group, list[list[Row]]] = {"decoder": [], "encoder": []}
    text, files = [INTRODUCTION], Files()
    for group, cards in groups.items():
        found = variants(group)
        reference = _macs(
            next(v for operator in found for v in operator if v.name == REFERENCE[group] and v.is_default)
        )
        cards += [[_row(variant, reference) for variant in operator] for operator in found]
        text += [f"## Ways {'up' if group == 'decoder' else 'down'}\n"]
        for rows in cards:
            name = f"{group}_{rows[0].variant.name}.png"
            files[name] = card(rows)
            text.append(_section(rows, name))
    defaults = {
        group: [row for rows in cards for row in rows if row.variant.is_default] for group, cards in groups.items()
    }
    files["overview.png"] = overview(defaults)
    files["README.md"] = "\n".join(text)
    files["untrained.md"] = untrained.page()
    return files


def _macs(variant: Variant) -> int:
    """Multiply-adds between a coarse grid of 16×16 and a fine one."""
    coarse, fine = (CHANNELS, 16, 16), (CHANNELS, 16 * FACTOR, 16 * FACTOR)
    macs: int = variant.build(0).macs(*((coarse, fine) if variant.group == "decoder" else (fine, coarse)))
    return macs


def _row(variant: Variant, reference: int) -> Row:
    macs, params = _macs(variant), sum(p.numel() for p in variant.build(0).parameters())
    return Row(variant, probe(variant), untrained.measure(variant), params, macs, macs / reference)


def _section(rows: list[Row], picture: str) -> str:
    variant = rows[0].variant
    words = words_of(variant.build(0))
    kind = "Up" if variant.group == "decoder" else "Down"
    facts = {"Size": words.size, "Side information": words.side_information, "Source": words.source}
    paragraphs = [
        f"### {kind}: `{variant.name}`",
        f"![{kind}: {variant.name}]({picture})",
        f"> {markdown(words.formula)}",
        markdown(words.notes),
        "\n".join(f"- **{name}**: {markdown(fact)}" for name, fact in facts.items()),
        _table(rows),
    ]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph) + "\n"


def _table(rows: list[Row]) -> str:
    group = rows[0].variant.group
    formats = {"gradient pattern": 3, "aliased": 3} if group == "encoder" else untrained.DIGITS
    columns = ["`python train.py …`", "parameters", "multiply-adds", f"of `{REFERENCE[group]}`", *formats]
    lines = [f"| {' | '.join(columns)} |", "|---|" + "--:|" * (len(columns) - 1)]
    for row in rows:
        cost = f"{row.params:,} | {row.macs:,} | {row.relative_macs:.2f}×"
        values = (untrained.number(row.numbers[name], digits) for name, digits in formats.items())
        lines.append(f"| `{row.variant.overrides}` | {cost} | {' | '.join(values)} |")
    return "\n".join(lines)


# Files


def write(folder: Path = FOLDER) -> list[Path]:
    """Make the folder hold exactly the page; returns what was written."""
    folder.mkdir(parents=True, exist_ok=True)
    files = generate()
    for path in pictures_and_texts(folder):
        if path.name not in files:
            path.unlink()
    for name, content in files.items():
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else png(content))
    return [folder / name for name in files]


def png(canvas: Canvas) -> bytes:
    buffer = io.BytesIO()
    canvas.image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def pictures_and_texts(folder: Path) -> list[Path]:
    return sorted([*folder.glob("*.png"), *folder.glob("*.md")])
