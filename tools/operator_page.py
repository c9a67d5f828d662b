"""The page of the operators, docs/operators: cards, README.md and untrained.md.

python tools/operator_page.py            write it
python tools/operator_page.py --check    exit with 1 if it is not up to date
"""

import argparse
import re
import sys
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path

import torch
import untrained_layers
from docstrings import markdown, words_of

from hourglass.report.cards import page
from hourglass.report.cards.card import Row
from hourglass.report.cards.untrained import INITS
from hourglass.report.cards.variants import CHANNELS, FACTOR, REFERENCE

FOLDER = Path(__file__).parents[1] / "docs" / "operators"

INTRODUCTION = f"""\
# The operators, before any training

Written by `python tools/operator_page.py` from the options in [`conf/`](../../conf); CI checks that it is up to date.
`hourglass operators` draws the pictures alone. Every operator maps {CHANNELS} channels to
{CHANNELS} at factor {FACTOR}, with matched random weights, without an activation, and was never trained. The numbers of
the ways up, over {INITS} initialisations, stand side by side in [untrained.md](untrained.md).

![All operators, one row each](overview.png)

## How to read a card

- **Impulse response**: what one value of one channel becomes in one channel of the output; red is positive, blue
  negative. For a way down, what *one value sees*: its gradient on the image side, at white noise.
- **Values per pixel**, the overlap: how many values of the coarse grid each pixel of the fine grid is made of (up) or
  contributes to (down), for each pair of channels. Where the stride does not divide the kernel, the stamps overlap
  unevenly. This counts and does not weigh: the blur of 3 taps has 9:6:6:4, and weights that make up for it.
- **Flat field in**: the response to ones, minus its mean, of a channel of typical power. It should be white; a pattern
  inside is a checkerboard, a coloured rim comes from the zeros around the image. *Gain share*: how much of the power is
  pattern. Random weights make it (s² - 1)/s² = 0.75, **even where the overlap is even**.
- **Step edge in**: from 0 to 1 in the middle; two neighbouring rows (up), or two edges one pixel apart (down).
- **Spectrum** of the response to white noise and to a smooth field (1/f, mean 1), in dB relative to the mean of the
  spectrum. The axes are frequencies in cycles per pixel; the mean is removed. Rings mark the harmonics of the stride,
  where copies of the image's spectrum appear: bright is a checkerboard, dark a hole. *PEI*: how unequal the power of
  the phases is. *HP*: harmonics relative to their neighbours. *PB*: share of the variance that is a pattern of period
  {FACTOR}.
- **Gradient of flat** (down): what comes back to the image side when the gradient is the same everywhere. *Pattern*:
  the share of its power that has period {FACTOR}; 0.75 where random weights meet a stride.
- **Power let through** (down): how strongly each frequency of the image side reaches the coarse grid. Frequencies
  outside the square are too high for that grid and are *aliased*: they come back as a false slow pattern.

Counts, shares and spectra are defined in `hourglass.report.cards` and `hourglass.metrics`. `linear` has no grid, and so
no card.
"""

NUMBER = re.compile(r"(?<![\w.])(-?\d+(?:\.\d+)?)(?![\w.])")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if it is not up to date")
    check = parser.parse_args().check
    torch.set_num_threads(1)  # many small convolutions: more threads would wait for each other
    cards = page.measure_all()
    if not check:
        print(f"{len(write(FOLDER, cards))} files in {FOLDER}")
        return
    problems = stale(FOLDER, cards)
    if problems:
        sys.exit("\n".join([*problems, "run python tools/operator_page.py and commit what it writes"]))
    print("docs/operators is up to date")


def write(folder: Path, cards: page.Cards) -> list[Path]:
    written = page.write(folder, cards)
    for name, text in texts(cards).items():
        (folder / name).write_text(text, encoding="utf-8")
    return [*written, *(folder / name for name in texts(cards))]


# The texts


def texts(cards: page.Cards) -> dict[str, str]:
    """File -> its content."""
    parts = [INTRODUCTION]
    for group, operators in cards.items():
        parts += [f"## Ways {'up' if group == 'decoder' else 'down'}\n", *(section(rows) for rows in operators)]
    return {"README.md": "\n".join(parts), "untrained.md": untrained_layers.page()}


def section(rows: Sequence[Row]) -> str:
    """An operator in README.md: card, formula, facts, and a table of its variants."""
    group, name, words = rows[0].variant.group, rows[0].variant.name, words_of(rows[0].variant.build(0))
    title = f"{'Up' if group == 'decoder' else 'Down'}: {name}"
    facts = {"Size": words.size, "Side information": words.side_information, "Source": words.source}
    digits = {"gradient pattern": 3, "aliased": 3} if group == "encoder" else untrained_layers.DIGITS
    columns = ["`python train.py …`", "parameters", "multiply-adds", f"of `{REFERENCE[group]}`", *digits]
    table = [f"| {' | '.join(columns)} |", "|---|" + "--:|" * (len(columns) - 1)]
    for row in rows:
        n = row.numbers
        cost = (f"{n['params']:,}", f"{n['MACs']:,}", f"{n['relative MACs']:.2f}×")
        cells = (*cost, *untrained_layers.cells(n, digits))
        table.append(f"| `{row.variant.overrides}` | {' | '.join(cells)} |")
    paragraphs = [
        f"### {title.replace(name, f'`{name}`')}",
        f"![{title}]({group}_{name}.png)",
        f"> {markdown(words.formula)}",
        markdown(words.notes),
        "\n".join(f"- **{fact}**: {markdown(text)}" for fact, text in facts.items()),
        "\n".join(table),
    ]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph) + "\n"


# The check


def stale(folder: Path, cards: page.Cards) -> list[str]:
    """What `write` would change, one line each; measured numbers may differ by two units of their last digit."""
    problems = page.stale(folder, cards)
    for name, text in texts(cards).items():
        lines = (folder / name).read_text(encoding="utf-8").splitlines() if (folder / name).exists() else []
        for n, (old, new) in enumerate(zip_longest(lines, text.splitlines(), fillvalue="(nothing)"), 1):
            if not _same_line(old, new):
                problems.append(f"{name}: line {n} is\n    {old}\n  and would be\n    {new}")
                break
    return problems


def _same_line(old: str, new: str) -> bool:
    a, b = NUMBER.split(old), NUMBER.split(new)
    if a[::2] != b[::2] or not new.startswith("|"):
        return old == new
    return all(_same_number(x, y) for x, y in zip(a[1::2], b[1::2], strict=True))


def _same_number(x: str, y: str) -> bool:
    """Whole numbers are counts and exact zeros: equal; measured ones have decimals."""
    digits = len(y.partition(".")[2])
    return x == y or ("." in x and "." in y and abs(float(x) - float(y)) < 2.5 * 10**-digits)


if __name__ == "__main__":
    main()
