"""The codes of a data set, or of your own pictures, as a table; `python embed.py --help` has the options."""

from hourglass.cli import run

if __name__ == "__main__":
    run("embed")
