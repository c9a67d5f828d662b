"""How many processes a run needs, and which of them get a GPU of their own."""

from pathlib import Path

import pytest

from helpers.project import configure
from hourglass.config.configuration import Node
from hourglass.core.errors import ConfigError
from hourglass.core.processes import gpus
from hourglass.runs import launch


def trainer(*overrides: str) -> Node:
    node: Node = configure(*overrides).plain["trainer"]
    return node


@pytest.mark.parametrize(
    ("overrides", "count", "ranks"),
    [
        ([], 0, 1),
        ([], 4, 1),
        (["trainer.devices=2"], 0, 2),
        (["trainer.devices=auto"], 4, 4),
        (["trainer.devices=-1"], 3, 3),
        (["trainer.devices=auto", "trainer.accelerator=cpu"], 4, 1),
        (["trainer.devices=[1,3]"], 4, 2),
        (["trainer.devices='1,3'"], 4, 2),
        (["trainer=ddp"], 2, 2),
    ],
)
def test_one_process_a_device(overrides: list[str], count: int, ranks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch.torch.cuda, "device_count", lambda: count)
    assert launch.device_count(trainer(*overrides)) == ranks


@pytest.mark.parametrize("strategy", ["ddp_spawn", "ddp_fork", "ddp_notebook"])
def test_a_strategy_with_processes_of_its_own_is_refused(strategy: str) -> None:
    with pytest.raises(ConfigError, match=f"{strategy}: use ddp"):
        launch.device_count(trainer("trainer.devices=2", f"trainer.strategy={strategy}"))


def test_a_job_on_one_device_gets_a_gpu_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch.torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(gpus.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,7")
    with launch._one_gpu_of_several(trainer(), 1) as first, launch._one_gpu_of_several(trainer(), 1) as second:
        assert (first, second) == ({"CUDA_VISIBLE_DEVICES": "5"}, {"CUDA_VISIBLE_DEVICES": "7"})
    for left_alone in (
        trainer("trainer.accelerator=cpu"),
        trainer("trainer.devices=2"),
        trainer("trainer.devices=[1]"),
    ):
        with launch._one_gpu_of_several(left_alone, 1) as environment:
            assert environment == {}
    monkeypatch.setattr(launch.torch.cuda, "device_count", lambda: 1)
    with launch._one_gpu_of_several(trainer(), 1) as environment:
        assert environment == {}
