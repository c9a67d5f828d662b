"""Evaluate trained runs again, under other corruption, levels or data; `python evaluate.py --help` has the options."""

import sys

from hourglass.cli import commands
from hourglass.runs.evaluation import evaluate

if __name__ == "__main__":
    commands.main(lambda: evaluate.command(sys.argv[1:]))
