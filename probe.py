"""What the codes of trained runs are worth; `python probe.py --help` has the options."""

from hourglass.cli import run

if __name__ == "__main__":
    run("probe")
