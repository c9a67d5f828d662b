"""The table of untrained layers: what random weights do to a flat field, to white noise and to a smooth field.

python tools/untrained_layers.py            print it
python tools/untrained_layers.py --write    put it into docs/operators/untrained.md, with an explanation
"""

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch

from hourglass.report.cards.untrained import BORDER, INITS, SIDE, Numbers, measure, number
from hourglass.report.cards.variants import CHANNELS, FACTOR, Variant, variants

FOLDER = Path(__file__).parents[1] / "docs" / "operators"
LARGEST_KERNEL = 6
DIGITS = {"gain share": 3, "white PEI": 3, "white HP": 1, "smooth PB": 4, "smooth HP": 1, "smooth PEIhp": 3}

EXPLANATION = f"""\
# The untrained operators in numbers

Made by `python tools/untrained_layers.py --write`: one operator, {CHANNELS} to {CHANNELS} channels, {INITS} random
initialisations, input {SIDE}×{SIDE}, {BORDER} pixels left out on each side of the output. No training.

- **constant, gain share**: ones go in; the share of the output's power that is a pattern of period {FACTOR}. Random
  weights give every one of the s² phases its own gain, so (s² - 1)/s² = 0.75 is expected of any operator whose phases
  have weights of their own, whether its stamps overlap evenly or not. A bare 0 is exact, here and below.
- **white, PEI**: noise goes in; how unequal the power of the phases is, (max - min)/(max + min). This is where uneven
  overlap shows: 4:2:2:1 gives 0.6, 9:6:6:4 gives 0.385. Equal phases come out below 0.03, from the draw of the weights.
- **white, HP**: the power at the harmonics of the stride over that of their neighbours, in dB; below 0 is a hole.
- **smooth, PB, HP and PEIhp**: a field with amplitude 1/f, mean 1 and variance 1 goes in, which is nearer to what a
  stage sees: share of the variance that is a pattern of period {FACTOR}, harmonics in dB, and PEI of output - box3.

Definitions and sources: `hourglass.metrics`. Operators that need positions from an encoder get random ones: max
unpooling one of {FACTOR}×{FACTOR} pixels for each value, so that its gain share falls with the size of the field;
adaptive polyphase one grid for each initialisation, so that its PEI, 0.6 for each, evens out over them.
"""


def rows() -> Iterator[tuple[Variant, Numbers]]:
    """Every way up and what was measured."""
    for operator in variants("decoder", LARGEST_KERNEL):
        for variant in operator:
            yield variant, measure(variant)


def cells(numbers: Numbers, digits: Mapping[str, int]) -> list[str]:
    return [number(numbers[name], count) for name, count in digits.items()]


def table() -> str:
    """Markdown: a row for each variant of a way up."""
    lines = [
        "| operator | constant: gain share | white: PEI | HP, dB | smooth: PB | HP, dB | PEIhp |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    lines += [f"| `{variant}` | {' | '.join(cells(numbers, DIGITS))} |" for variant, numbers in rows()]
    return "\n".join(lines)


def page() -> str:
    return f"{EXPLANATION}\n{table()}\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="put it into docs/operators/untrained.md")
    write = parser.parse_args().write
    torch.set_num_threads(1)  # many small convolutions: more threads would wait for each other
    if write:
        (FOLDER / "untrained.md").write_text(page(), encoding="utf-8")
    else:
        print(table())


if __name__ == "__main__":
    main()
