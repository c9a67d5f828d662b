"""What processes inherit: ranks, threads, and whether something else has started them."""

import os
import subprocess
import sys

import pytest

from hourglass.core.processes import environment


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "LOCAL_RANK",
        "TORCHELASTIC_RUN_ID",
        "SLURM_NTASKS",
        "SLURM_PROCID",
        "RANK",
        "OMP_NUM_THREADS",
        "GOMP_SPINCOUNT",
        "OMP_WAIT_POLICY",
    ):
        monkeypatch.delenv(name, raising=False)


def test_one_worker_finds_nothing_of_ranks() -> None:
    assert environment.of_workers(1) == [{}]


def test_several_find_each_other() -> None:
    workers = environment.of_workers(3)
    assert [worker.pop("LOCAL_RANK") for worker in workers] == ["0", "1", "2"]
    assert workers[0] == workers[1] == workers[2]
    port = workers[0].pop("MASTER_PORT")
    assert workers[0] == {"NODE_RANK": "0", "WORLD_SIZE": "3", "MASTER_ADDR": "127.0.0.1", "HOURGLASS_FORKED": "1"}
    assert 1024 < int(port) < 65536


@pytest.mark.parametrize(
    ("variables", "outside"),
    [
        ({}, False),
        ({"LOCAL_RANK": "0"}, True),
        ({"TORCHELASTIC_RUN_ID": "none"}, True),
        ({"SLURM_NTASKS": "1"}, False),
        ({"SLURM_NTASKS": "2"}, True),
        ({"SLURM_NTASKS": "2", "LOCAL_RANK": "1", "HOURGLASS_FORKED": "1"}, False),
    ],
)
def test_torchrun_and_srun_are_noticed(
    variables: dict[str, str], outside: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert environment.started_from_outside() is outside


@pytest.mark.parametrize(
    ("variables", "first"),
    [
        ({}, True),
        ({"SLURM_PROCID": "1"}, True),  # a job of a sweep, which has started by itself what it needs
        ({"RANK": "0", "LOCAL_RANK": "0"}, True),
        ({"RANK": "2", "LOCAL_RANK": "0"}, False),  # on another node
        ({"SLURM_NTASKS": "2", "SLURM_PROCID": "0"}, True),
        ({"SLURM_NTASKS": "2", "SLURM_PROCID": "1"}, False),
    ],
)
def test_one_process_of_a_run_writes(variables: dict[str, str], first: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert environment.is_first() is first


def test_processes_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    assert environment.cores() == 8
    assert [environment.threads_each(n) for n in (1, 2, 3, 8, 20)] == [None, 4, 2, 1, 1]
    assert [environment.at_a_time(n) for n in (-1, 1, 3)] == [8, 1, 3]
    monkeypatch.setenv("OMP_NUM_THREADS", "2")  # the user has chosen
    assert environment.threads_each(4) is None


@pytest.mark.parametrize("chosen", [{}, {"GOMP_SPINCOUNT": "7"}, {"OMP_WAIT_POLICY": "active"}])
def test_threads_wait_asleep_unless_the_user_has_chosen(
    chosen: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "environ", chosen.copy())
    environment.wait_asleep()
    assert os.environ == (chosen or {"GOMP_SPINCOUNT": environment.SPINS})


@pytest.mark.parametrize("given", [{}, {"OMP_WAIT_POLICY": "passive"}])
def test_a_command_sets_it_before_torch_is_there(given: dict[str, str]) -> None:
    program = (
        "import os, sys\n"
        "import hourglass.cli.entry as entry\n"
        "def task(arguments): print(os.environ.get('GOMP_SPINCOUNT'), 'torch' in sys.modules)\n"
        "entry.importlib.import_module = lambda name: type('module', (), {'main': staticmethod(task)})\n"
        "entry.run('train', [])\n"
    )
    left = {name: value for name, value in os.environ.items() if not name.startswith(("GOMP", "OMP_WAIT"))}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=left | given, capture_output=True, text=True, timeout=100)
    assert done.stdout.split() == ["None" if given else environment.SPINS, "False"], done.stderr
