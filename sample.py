"""New images from a trained run; `python sample.py --help` has the options."""

from hourglass.cli import run

if __name__ == "__main__":
    run("sample")
