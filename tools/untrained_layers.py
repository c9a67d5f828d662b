"""The table of untrained layers: what random weights do to a flat field, to white noise and to a smooth field.

python tools/untrained_layers.py            print it
python tools/untrained_layers.py --write    put it into docs/operators/untrained.md, with an explanation
"""

import argparse

import torch

from hourglass.report.cards import page, untrained


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="put it into docs/operators/untrained.md")
    write = parser.parse_args().write
    torch.set_num_threads(1)  # many small convolutions: more threads would wait for each other
    if write:
        (page.FOLDER / "untrained.md").write_text(untrained.page())
    else:
        print(untrained.table())


if __name__ == "__main__":
    main()
