"""Your own pictures through a trained autoencoder; `python reconstruct.py --help` has the options."""

from hourglass.cli import run

if __name__ == "__main__":
    run("reconstruct")
