"""A trained autoencoder as a file that others run; `python export.py --help` has the options."""

from hourglass.cli import run

if __name__ == "__main__":
    run("export")
