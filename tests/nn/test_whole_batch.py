"""Quantised codes on two processes: the same codebooks and gradients as on one."""

from pathlib import Path

import pytest
import torch
from torch import multiprocessing

from helpers.two_processes import OPTIONS, steps, work


@pytest.mark.slow
def test_two_processes_do_what_one_does(tmp_path: Path) -> None:
    multiprocessing.spawn(work, (str(tmp_path),), nprocs=2)
    both = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2)]
    for option in OPTIONS:
        alone = steps(option, 0, 1)
        for name, value in alone.items():
            assert torch.equal(both[0][option][name], both[1][option][name]), (option, name)
            torch.testing.assert_close(both[0][option][name], value, msg=lambda m: f"{option} {name}: {m}")  # noqa: B023
