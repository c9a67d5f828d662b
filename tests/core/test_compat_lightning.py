"""Lightning is still what we rely on: an upgrade that changes it fails the test of the function that relies on it."""

import copy
import os
import signal
from pathlib import Path
from typing import Any

import lightning.pytorch
import pytest
import torch
from lightning.fabric.plugins.environments import LightningEnvironment, SLURMEnvironment, TorchElasticEnvironment
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.plugins.precision import MixedPrecision
from lightning.pytorch.profilers import SimpleProfiler
from lightning.pytorch.utilities import rank_zero_only
from lightning.pytorch.utilities.exceptions import SIGTERMException

from helpers import by_hand
from helpers.nodes import free_port
from hourglass.core.compat import lightning as compat
from hourglass.core.errors import ConfigError, Interrupted, JobFailed
from hourglass.core.signals import StopRequest, kept


def test_the_phrases_of_unwanted_warnings_are_still_in_use() -> None:
    others = (torch.optim.lr_scheduler, torch.utils._pytree, lightning.fabric.plugins.environments.slurm)
    files = [*Path(lightning.pytorch.__file__).parent.rglob("*.py"), *(Path(module.__file__) for module in others)]
    sources = "\n".join(path.read_text(encoding="utf-8") for path in files)
    assert [phrase for phrase in compat.CHATTER if phrase not in sources] == []


def test_the_rank_decides_who_logs() -> None:
    logs = rank_zero_only(lambda: "logged")
    assert compat.is_rank_zero()
    assert logs() == "logged"
    compat.set_rank(1)
    try:
        assert not compat.is_rank_zero()
        assert logs() is None
    finally:
        compat.set_rank(0)


def bare_trainer(callback: Callback, **options: Any) -> Trainer:
    """Lightning's own, without anything of ours."""
    bare = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    return by_hand.make_trainer(callbacks=[callback], **bare, **options)()


@pytest.mark.parametrize("left_to_us", [True, False])
def test_sigterm_is_left_to_the_handler_that_was_there(left_to_us: bool) -> None:
    trainer = bare_trainer(by_hand.At(1, by_hand.terminate), max_epochs=1)
    received = []
    with kept():
        signal.signal(signal.SIGTERM, lambda signum, _: received.append(signum))
        if left_to_us:
            compat.leave_sigterm_to_us(trainer)
            by_hand.fit(trainer)
        else:  # what Lightning does by itself
            with pytest.raises(SIGTERMException):
                by_hand.fit(trainer)
    assert received == [signal.SIGTERM]
    assert trainer.received_sigterm is not left_to_us


def test_no_step_asks_the_other_ranks_for_a_sigterm() -> None:
    trainer = bare_trainer(Callback())
    assert callable(type(trainer.fit_loop.epoch_loop)._broadcast_sigterm_tensor)  # or Lightning calls it otherwise
    compat.leave_sigterm_to_us(trainer)
    trainer.fit_loop.epoch_loop._broadcast_sigterm_tensor()


def test_steps_that_are_logged_are_known_from_their_start_to_their_end(tmp_path: Path) -> None:
    seen: list[tuple[bool, bool]] = []

    class Watch(Callback):
        def on_train_batch_start(self, trainer: Trainer, *_: Any) -> None:
            self.before = compat.is_logging_step(trainer)

        def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
            seen.append((self.before, compat.is_logging_step(trainer)))

    trainer = by_hand.trainer_for(tmp_path, [Watch()], log_every_n_steps=4)
    by_hand.fit(trainer)
    logged = [step in (4, 6, 8, 12) for step in range(1, 13)]  # 6 and 12 end an epoch
    assert seen == [(one, one) for one in logged]


def test_a_fused_optimizer_is_clipped_only_as_an_ordinary_one() -> None:
    weights = torch.nn.Parameter(torch.ones(4))
    optimizer = torch.optim.Adam([weights], lr=0.1, fused=True)
    weights.grad = torch.full((4,), 100.0)
    precision = MixedPrecision("bf16-mixed", "cpu")
    with pytest.raises(RuntimeError, match="does not allow for gradient clipping"):
        precision.clip_gradients(optimizer, clip_val=1.0)
    compat.let_lightning_clip(optimizer)
    precision.clip_gradients(optimizer, clip_val=1.0)
    assert weights.grad.norm() == pytest.approx(1.0)
    optimizer.step()
    assert torch.allclose(weights, torch.full((4,), 0.9))


class Checkpoints(Callback):
    """What Lightning would save at the end of every batch, and at the start of the next."""

    def __init__(self) -> None:
        self.ends: list[dict[str, Any]] = []
        self.starts: list[dict[str, Any]] = []

    def on_train_batch_start(self, trainer: Any, module: Any, batch: Any, batch_idx: int) -> None:
        self.starts.append(copy.deepcopy(trainer._checkpoint_connector.dump_checkpoint(weights_only=False)))

    def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        self.ends.append(copy.deepcopy(trainer._checkpoint_connector.dump_checkpoint(weights_only=False)))


def test_a_checkpoint_between_two_batches_is_set_back_to_the_end_of_the_first() -> None:
    checkpoints = Checkpoints()
    by_hand.fit(bare_trainer(checkpoints))
    per_epoch = by_hand.PER_EPOCH
    assert len(checkpoints.ends) == 2 * per_epoch
    for done, (end, start) in enumerate(zip(checkpoints.ends, checkpoints.starts[1:], strict=False), start=1):
        assert counts(start) != counts(end)
        epoch, batch = divmod(done, per_epoch) if done % per_epoch else (done // per_epoch - 1, per_epoch)
        compat.set_back_to_batch_end(start, epoch=epoch, batch=batch, per_epoch=per_epoch)
        assert counts(start) == counts(end), done


def counts(checkpoint: dict[str, Any]) -> dict[str, Any]:
    """Where Lightning's loops are."""
    loops = checkpoint["loops"]["fit_loop"]
    return {key: loops[key] for key in ("epoch_progress", "epoch_loop.batch_progress", "epoch_loop.state_dict")}


class Look(Callback):
    """How many epochs Lightning believes to have started, before and after the correction."""

    def __init__(self) -> None:
        self.started: list[tuple[int, int]] = []

    def on_train_batch_start(self, trainer: Trainer, module: Any, batch: Any, batch_idx: int) -> None:
        progress = trainer.fit_loop.epoch_progress.current
        before = progress.started
        compat.count_this_epoch(trainer)
        self.started.append((before, progress.started))


def test_the_current_epoch_is_counted_after_a_resume_at_the_end_of_one(tmp_path: Path) -> None:
    stop = StopRequest()
    with kept(), stop, pytest.raises(Interrupted):
        by_hand.fit(by_hand.trainer_for(tmp_path, [by_hand.At(by_hand.PER_EPOCH, by_hand.terminate)], stop))
    look = Look()
    by_hand.fit(bare_trainer(look, default_root_dir=tmp_path), resume=True)
    assert look.started == [(1, 2), *[(2, 2)] * (by_hand.PER_EPOCH - 1)]


def test_hooks_are_named_as_ever_and_profiled_only_where_that_is_asked_for() -> None:
    names = []
    note = by_hand.At(1, lambda _: names.append(trainer.lightning_module._current_fx_name))
    trainer = bare_trainer(note, max_epochs=1)
    compat.profile_nothing(trainer)
    assert type(trainer.profiler) is compat.NoProfiler
    by_hand.fit(trainer)
    assert names == ["on_train_batch_start"]
    assert isinstance(by_hand.module(), compat.QuickHooks)
    asked = bare_trainer(note, max_epochs=1, profiler="simple")
    compat.profile_nothing(asked)
    assert type(asked.profiler) is SimpleProfiler


@pytest.mark.parametrize(("there", "left"), [(True, "1"), (False, "0")])
def test_without_a_gpu_torch_looks_for_it_in_no_step(there: bool, left: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTORCH_NVML_BASED_CUDA_CHECK", "1")  # as Lightning sets it
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    compat.look_for_gpus_once()
    assert os.environ["PYTORCH_NVML_BASED_CUDA_CHECK"] == left


SRUN = {
    "SLURM_NTASKS": "2", "SLURM_NTASKS_PER_NODE": "1", "SLURM_PROCID": "0", "SLURM_JOB_NAME": "two",
    "SLURM_JOB_ID": "1",
}  # fmt: skip


@pytest.mark.slow
def test_a_process_that_never_comes_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SRUN.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    monkeypatch.setenv("MASTER_PORT", str(free_port()))
    sentence = (
        r"rank 0 waited 1 s at 127.0.0.1:\d+ for all 2 processes \(.*1/2 clients joined.*give every node the same"
    )
    with pytest.raises(JobFailed, match=sentence), compat.met(1):
        raise AssertionError


def test_srun_and_torchrun_start_the_processes_and_slurm_queues_nothing_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(compat.environment_of_processes(), LightningEnvironment)
    for name, value in SRUN.items():
        monkeypatch.setenv(name, value)
    environment = compat.environment_of_processes()
    assert isinstance(environment, SLURMEnvironment)
    assert not environment.auto_requeue
    monkeypatch.setenv("HOURGLASS_FORKED", "1")  # by a job that SLURM has started
    assert isinstance(compat.environment_of_processes(), LightningEnvironment)
    monkeypatch.delenv("HOURGLASS_FORKED")
    monkeypatch.delenv("SLURM_NTASKS_PER_NODE")
    with pytest.raises(ConfigError, match="--ntasks-per-node in place of --ntasks"):
        compat.environment_of_processes()
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    assert isinstance(compat.environment_of_processes(), TorchElasticEnvironment)


def test_a_lost_connection_is_told_from_other_errors() -> None:
    """tests/runs/test_nodes.py has it of a node that is killed."""
    assert compat.lost_connection(torch.distributed.DistNetworkError("the server is gone"))
    assert not compat.lost_connection(RuntimeError("out of memory"))
