"""Your own pictures through a trained autoencoder; `python reconstruct.py --help` has the options."""

import sys

from hourglass.cli import commands
from hourglass.runs.evaluation import reconstruct

if __name__ == "__main__":
    commands.main(lambda: reconstruct.command(sys.argv[1:]))
