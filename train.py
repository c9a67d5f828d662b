"""Train an autoencoder: `python train.py model=conv decoder=resize`; `--help` lists what can be chosen."""

import hydra
from omegaconf import DictConfig

from hourglass.cli import commands


@hydra.main(config_path="conf", config_name="train", version_base="1.3")
def main(config: DictConfig) -> float | None:
    return commands.train(config)


if __name__ == "__main__":
    commands.main(main)
