"""Jobs that run at the same time on one machine get a GPU each."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from hourglass.core.processes import gpus


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpus.tempfile, "gettempdir", lambda: str(tmp_path))


def test_each_job_gets_the_first_free_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,7")
    with ExitStack() as others:
        assert others.enter_context(gpus.one_gpu(2)) == {"CUDA_VISIBLE_DEVICES": "5"}
        with gpus.one_gpu(2) as second:
            assert second == {"CUDA_VISIBLE_DEVICES": "7"}
            with gpus.one_gpu(2) as third:  # more jobs than GPUs share them
                assert third["CUDA_VISIBLE_DEVICES"] in ("5", "7")
        with gpus.one_gpu(2) as again:
            assert again == {"CUDA_VISIBLE_DEVICES": "7"}
    with gpus.one_gpu(2) as first:
        assert first == {"CUDA_VISIBLE_DEVICES": "5"}


def test_gpus_are_counted_where_the_environment_names_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    with gpus.one_gpu(3) as a, gpus.one_gpu(3) as b, gpus.one_gpu(3) as c:
        assert [one["CUDA_VISIBLE_DEVICES"] for one in (a, b, c)] == ["0", "1", "2"]


def test_parts_of_a_gpu_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their names are no file names."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "MIG-GPU-1/0/0,MIG-GPU-1/1/0")
    with gpus.one_gpu(2) as a, gpus.one_gpu(2) as b:
        assert [one["CUDA_VISIBLE_DEVICES"] for one in (a, b)] == ["MIG-GPU-1/0/0", "MIG-GPU-1/1/0"]


def test_a_gpu_is_free_again_after_a_job_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,7")
    with pytest.raises(ZeroDivisionError), gpus.one_gpu(2):
        raise ZeroDivisionError
    with gpus.one_gpu(2) as again:
        assert again == {"CUDA_VISIBLE_DEVICES": "5"}
