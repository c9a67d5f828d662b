"""Operators side by side on one picture, from untrained to trained; `python show.py --help` has the options."""

from hourglass.cli import run

if __name__ == "__main__":
    run("show")
