"""Jobs that run at the same time on one machine get a GPU each."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from helpers.project import configure
from hourglass.core.errors import ConfigError
from hourglass.core.processes import gpus as slots
from hourglass.core.processes import supervisor as jobs


def test_each_job_gets_the_first_free_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "gpu_count", lambda: 2)
    monkeypatch.setattr(slots.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,7")
    config = configure()
    with ExitStack() as others:
        assert others.enter_context(slots.one_gpu(config, 1)) == {"CUDA_VISIBLE_DEVICES": "5"}
        with slots.one_gpu(config, 1) as second:
            assert second == {"CUDA_VISIBLE_DEVICES": "7"}
            with slots.one_gpu(config, 1) as third:  # more jobs than GPUs share them
                assert third["CUDA_VISIBLE_DEVICES"] in ("5", "7")
        with slots.one_gpu(config, 1) as again:
            assert again == {"CUDA_VISIBLE_DEVICES": "7"}
        for left_alone in (configure("trainer.accelerator=cpu"), configure("trainer.devices=2")):
            with slots.one_gpu(left_alone, 1) as environment:
                assert environment == {}


@pytest.mark.parametrize(
    ("overrides", "gpus", "ranks"),
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
def test_one_process_a_device(overrides: list[str], gpus: int, ranks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "gpu_count", lambda: gpus)
    assert jobs.ranks_of(configure(*overrides)) == ranks


def test_a_strategy_with_processes_of_its_own_is_refused() -> None:
    with pytest.raises(ConfigError, match="ddp_spawn: use ddp"):
        jobs.ranks_of(configure("trainer.devices=2", "trainer.strategy=ddp_spawn"))
