"""Run folders made in a moment, of networks that have learned nothing, for tests of what reads run folders."""

import json
from pathlib import Path

import torch

from helpers.project import configure, spatial
from hourglass.config.overrides import parse
from hourglass.config.parts import Parts
from hourglass.core.formats import FORMAT


def untrained_run(folder: Path, *overrides: str, status: str = "completed") -> Path:
    """`folder` as a `spatial` run with these overrides would leave it, as far as others read it."""
    configuration = configure(*spatial(overrides))
    parts, seed = Parts(configuration), configuration.plain["seed"]
    torch.manual_seed(seed)
    model = parts.autoencoder(parts.data.image_shape)
    state = {f"autoencoder.{key}": value for key, value in model.state_dict().items()}
    (folder / "checkpoints").mkdir(parents=True)
    torch.save({"state_dict": state, "config": configuration.plain}, folder / "checkpoints" / "best.ckpt")
    (folder / ".hydra").mkdir()
    (folder / ".hydra" / "config.yaml").write_text(configuration.as_yaml, encoding="utf-8")
    given = {override.key_or_group: str(override.value()) for override in parse(overrides)}
    choices = {"data": given.get("data", "mnist5k"), "corruption": given.get("corruption", "none")}
    summary = {
        "format": FORMAT, "status": status, "error": None, "id": configuration.id, "choices": choices, "seed": seed
    }  # fmt: skip
    (folder / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    return folder
