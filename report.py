"""Turn a sweep into an answer: `python report.py logs/sweeps/NAME`; `--help` lists what can be chosen."""

import sys

from hourglass.cli import commands
from hourglass.report.command import command

if __name__ == "__main__":
    commands.main(lambda: command(sys.argv[1:]))
