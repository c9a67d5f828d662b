"""Evaluate trained runs again, under other corruption, levels or data; `python evaluate.py --help` has the options."""

from hourglass.cli import run

if __name__ == "__main__":
    run("evaluate")
