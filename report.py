"""Turn a sweep into an answer: `python report.py logs/sweeps/NAME`; `--help` lists what can be chosen."""

from hourglass.cli import run

if __name__ == "__main__":
    run("report")
