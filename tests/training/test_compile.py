"""`trainer.compile=true`: the same network, trained by code that torch makes of it; nothing else notices."""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from helpers import by_hand
from helpers.project import TINY, configure, run_command
from hourglass import load_run
from hourglass.config.parts import Parts
from hourglass.core.errors import ConfigError, Interrupted
from hourglass.core.signals import StopRequest, kept
from hourglass.runs.read import read_summary
from hourglass.training import hardware, module
from hourglass.training.checkpoints import checkpoint_path, read_checkpoint
from hourglass.training.trainer import trainer_for

compiled = partial(by_hand.module, compiled=True)


@pytest.fixture
def graphs(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What torch makes of the network is run as it is, in a moment; the graphs that were made."""
    made: list[Any] = []

    def backend(graph: Any, inputs: Any) -> Callable[..., Any]:
        made.append(graph)
        forward: Callable[..., Any] = graph.forward
        return forward

    torch._dynamo.reset()
    monkeypatch.setattr(module, "BACKEND", backend)
    return made


def test_a_compiled_run_is_the_same_run(tmp_path: Path, graphs: list[Any]) -> None:
    expected = by_hand.fit(by_hand.trainer_for(tmp_path / "plain")).state_dict()
    assert graphs == []
    weights = by_hand.fit(by_hand.trainer_for(tmp_path / "compiled"), make=compiled).state_dict()
    assert len(graphs) == 1  # for all batches; what is measured and drawn is the network itself
    assert list(weights) == list(expected)
    assert all(torch.equal(weights[name], expected[name]) for name in expected)
    history = (tmp_path / "compiled" / "metrics.csv").read_bytes()
    assert history == (tmp_path / "plain" / "metrics.csv").read_bytes()


@pytest.mark.slow
def test_it_is_continued_exactly_with_and_without(tmp_path: Path, graphs: list[Any]) -> None:
    expected = by_hand.fit(by_hand.trainer_for(tmp_path / "whole"), make=compiled).state_dict()
    stop, term = StopRequest(), by_hand.At(3, by_hand.terminate)
    with kept(), stop, pytest.raises(Interrupted):
        by_hand.fit(by_hand.trainer_for(tmp_path / "run", [term], stop), make=compiled)
    assert read_checkpoint(checkpoint_path(tmp_path / "run", "last"))["state_dict"].keys() == expected.keys()
    shutil.copytree(tmp_path / "run", tmp_path / "plain")
    for folder, make in (("run", compiled), ("plain", by_hand.module)):
        weights = by_hand.fit(by_hand.trainer_for(tmp_path / folder), resume=True, make=make).state_dict()
        assert all(torch.equal(weights[name], expected[name]) for name in expected)


@pytest.mark.parametrize(
    ("on_cpu", "there", "reason"),
    [
        (True, {"which": "/usr/bin/g++"}, None),
        (True, {}, "needs a C\\+\\+ compiler, and there is no g\\+\\+"),
        (False, {}, "needs Triton on a GPU: pip install triton"),
        (False, {"find_spec": "triton", "capability": (6, 1)}, "needs a GPU that Triton knows, .* and this is a GTX"),
        (False, {"find_spec": "triton", "capability": (9, 0)}, None),
    ],
)
def test_it_is_refused_where_it_cannot_work(
    monkeypatch: pytest.MonkeyPatch, on_cpu: bool, there: dict[str, Any], reason: str | None
) -> None:
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr(hardware.shutil, "which", lambda name: there.get("which"))
    monkeypatch.setattr(hardware, "find_spec", lambda name: there.get("find_spec"))
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: there["capability"])
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "GTX 1080")
    if reason is None:
        hardware.refuse_to_compile(on_cpu)
        return
    with pytest.raises(ConfigError, match=f"trainer.compile=true {reason}"):
        hardware.refuse_to_compile(on_cpu)


def test_a_run_asks_whether_it_can_before_it_reads_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware.shutil, "which", lambda name: None)
    with pytest.raises(ConfigError, match="C\\+\\+ compiler"):
        trainer_for(Parts(configure("trainer=cpu", "trainer.compile=true")))
    assert "compile" not in trainer_for(Parts(configure("trainer=cpu"))).keywords
    with pytest.raises(ConfigError, match=r"trainer\.compile"):
        trainer_for(Parts(configure("trainer=cpu", "trainer.compile=maybe")))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
def test_machine_code_trains_as_the_network_does(tmp_path: Path) -> None:
    results = []
    for chosen in ("false", "true"):
        given = [*TINY, "model=vae", f"trainer.compile={chosen}", f"hydra.run.dir={tmp_path / chosen}"]
        done = run_command("train.py", *given, timeout=580)
        assert done.returncode == 0, done.stderr
        summary = read_summary(tmp_path / chosen)
        assert summary is not None
        results.append(summary["metrics"])
        images = torch.rand(2, 1, 28, 28)
        assert load_run(tmp_path / chosen)(images).shape == images.shape
    plain, machine_code = results
    assert plain.keys() == machine_code.keys()
    for name, value in plain.items():
        assert machine_code[name] == pytest.approx(value, rel=1e-3, abs=1e-3), name
