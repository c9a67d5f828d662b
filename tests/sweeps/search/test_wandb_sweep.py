"""W&B as the searcher: the file for its server, and a run under its agent."""

from pathlib import Path
from typing import Any

import pytest

from helpers.project import configure, run_command
from hourglass.training.loggers import LoggedRun, wandb_logger


@pytest.mark.slow
def test_wandb_gets_a_sweep_whose_agents_can_call_train(tmp_path: Path) -> None:
    done = run_command(
        *("-X", "importtime", "train.py", "search=wandb", f"hydra.sweep.dir={tmp_path / 'mine'}", "sweep=mine"),
        *("search.trials=7", "data=synthetic", "optimizer.lr=tag(log,interval(0.001,0.01))", "decoder=resize"),
    )
    assert done.returncode == 0, done.stderr
    assert "| torch" not in done.stderr
    file = tmp_path / "mine" / "wandb_sweep.yaml"
    assert f"wandb sweep {file}\n  wandb agent" in done.stdout

    from wandb.sdk.launch.sweeps import utils

    sweep: Any = utils.load_sweep_config(str(file))
    assert (sweep["name"], sweep["project"], sweep["method"], sweep["run_cap"]) == ("mine", "hourglass", "bayes", 7)
    assert sweep["metric"] == {"name": "val/loss", "goal": "minimize"}
    assert list(sweep["parameters"]) == ["encoder", "channels", "optimizer.lr"]
    chosen = {"encoder": "strided", "channels": sweep["parameters"]["channels"]["values"][0], "optimizer.lr": 0.0042}
    arguments = utils.create_sweep_command_args({"args": {key: {"value": value} for key, value in chosen.items()}})
    command = utils.create_sweep_command(sweep["command"])
    assert command[:3] == ["${env}", "${interpreter}", "${program}"]
    assert sweep["program"] == "train.py"
    assert command[-1] == "${args_no_hyphens}"
    config = configure(*command[3:-1], *arguments["args_no_hyphens"])  # what an agent adds behind `python train.py`
    expected = ("data=synthetic", "decoder=resize", "encoder=strided", "channels=[8,32]", "optimizer.lr=0.0042")
    assert config.plain == configure(*expected).plain


def test_under_an_agent_the_run_has_the_agents_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_SWEEP_ID", "sweep001")
    monkeypatch.setenv("WANDB_RUN_ID", "agentrun")
    configured = configure().plain["logger"]["wandb"]
    options: Any = {key: value for key, value in configured.items() if not key.startswith("_")} | {"mode": "offline"}
    logger: Any = wandb_logger(LoggedRun(tmp_path, "0123abcd", "name", None), **options)
    logger.finish(exit_code=0)
    (folder,) = tmp_path.glob("wandb/offline-run-*")
    assert folder.name.endswith("-agentrun")
