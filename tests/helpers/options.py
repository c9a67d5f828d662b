"""Every option of `conf/`; a new one appears here by itself."""

from helpers.project import options

PARTS = ("data", "encoder", "latent", "decoder", "model", "loss", "optimizer", "trainer")
"""The slots of a configuration that hold one part each, beside `corruption`, which the data module holds."""
GROUPS = (
    "model", "encoder", "latent", "decoder", "data", "augmentation", "corruption", "loss", "optimizer", "trainer",
    "callbacks",
)  # fmt: skip
EVERY_OPTION = [f"{group}={option}" for group in (*GROUPS, "logger", "experiment") for option in options(group)]
