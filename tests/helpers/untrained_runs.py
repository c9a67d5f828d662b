"""Run folders made in a moment, of networks that have learned nothing, for tests of what reads run folders."""

import json
from pathlib import Path

import torch
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from helpers.project import configure
from hourglass.config import identity as ids
from hourglass.runs import build


def untrained_run(folder: Path, *overrides: str, status: str = "completed") -> Path:
    """`folder` as a run with these overrides would leave it, as far as others read it."""
    config = configure(*overrides)
    torch.manual_seed(config.seed)
    model = build.autoencoder(config, build.data(config).image_shape)
    state = {f"autoencoder.{key}": value for key, value in model.state_dict().items()}
    (folder / "checkpoints").mkdir(parents=True)
    torch.save({"state_dict": state, "config": ids.resolved(config)}, folder / "checkpoints" / "best.ckpt")
    (folder / ".hydra").mkdir()
    OmegaConf.save(config, folder / ".hydra" / "config.yaml")
    chosen = {o.key_or_group: str(o.value()) for o in OverridesParser.create().parse_overrides(list(overrides))}
    choices = {"data": chosen.get("data", "mnist5k"), "corruption": chosen.get("corruption", "none")}
    summary = {"status": status, "error": None, "id": ids.run_id(config), "choices": choices, "seed": config.seed}
    (folder / "summary.json").write_text(json.dumps(summary))
    return folder
