"""Quantised codes on two processes: the same codebooks and gradients as on one."""

from pathlib import Path

import pytest
import torch

from helpers.project import run_command


@pytest.mark.slow
def test_two_processes_do_what_one_does(tmp_path: Path) -> None:
    done = run_command("tests/helpers/two_processes.py", str(tmp_path), PYTHONPATH="tests")
    assert done.returncode == 0, done.stderr
    first, second, alone = (torch.load(tmp_path / f"{name}.pt", weights_only=True) for name in ("0", "1", "alone"))
    for option, values in alone.items():
        for name, value in values.items():
            assert torch.equal(first[option][name], second[option][name]), (option, name)
            torch.testing.assert_close(first[option][name], value, rtol=1e-4, atol=1e-3)
