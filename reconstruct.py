"""Your own pictures through a trained autoencoder; `python reconstruct.py --help` has the options."""

import sys

from hourglass import commands, reconstruct

if __name__ == "__main__":
    commands.main(lambda: reconstruct.command(sys.argv[1:]))
