"""Train an autoencoder: `python train.py model=conv decoder=resize`; a Hydra application, as with @hydra.main."""

from hourglass.cli import run

if __name__ == "__main__":
    run("train")
