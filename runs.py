"""Your runs: listed, compared, cleaned up; `python runs.py --help` has the options."""

from hourglass.cli import run

if __name__ == "__main__":
    run("runs")
