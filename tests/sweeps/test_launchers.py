"""Sweeps in parallel, on existing engines: each launcher trains what a single run trains."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from helpers.project import CONF, ROOT, options, run_command
from helpers.sweeping import TINIEST, wait_for
from hourglass.core.errors import ConfigError

LAUNCHERS = options("hydra/launcher")


@pytest.fixture(autouse=True)
def _threads_are_ours_to_share_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


def sweep(folder: Path, launcher: str, *overrides: str, **environment: str) -> dict[int, dict[str, Any]]:
    """Two jobs, seeds 0 and 1; their summaries by seed."""
    chosen = (f"hydra/launcher={launcher}", *overrides, f"hydra.sweep.dir={folder}", f"sweep={folder.name}")
    epochs = TINIEST[1:] if any(override.startswith("trainer.max_epochs=") for override in overrides) else TINIEST
    done = run_command("train.py", "-m", "seed=0,1", *chosen, *epochs, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 jobs: 2 completed" in done.stdout
    assert "Warning: \n'hydra/launcher" not in done.stderr
    summaries = [summary_of(path) for path in folder.glob("*/summary.json")]
    assert all(summary["status"] == "completed" for summary in summaries)
    return {summary["seed"]: summary for summary in summaries}


def summary_of(path: Path) -> dict[str, Any]:
    summary: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return summary


def test_there_is_a_file_for_every_engine() -> None:
    assert LAUNCHERS == ["joblib", "ray", "submitit_local", "submitit_slurm"]


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_a_launcher_composes_without_a_warning_and_names_what_it_needs(
    launcher: str, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("train", [f"hydra/launcher={launcher}"], return_hydra_config=True)
    assert not [warning for warning in recwarn if "ConfigStore" in str(warning.message)]
    engine: Any = instantiate(config.hydra.launcher)
    for name in ("hydra_joblib_launcher.joblib_launcher", "hydra_submitit_launcher.submitit_launcher"):
        monkeypatch.setitem(sys.modules, f"hydra_plugins.{name}", None)
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=rf"needs packages more: pip install 'hourglass\[{launcher.split('_')[0]}\]'"):
        engine.setup(hydra_context=None, task_function=None, config=config)


@pytest.mark.slow
def test_joblib_shares_out_the_cores(tmp_path: Path) -> None:
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    parallel = sweep(tmp_path / "parallel", "joblib", "hydra.launcher.n_jobs=2")
    share = max(1, len(os.sched_getaffinity(0)) // 2)
    assert sorted(parallel) == [0, 1]
    assert all(f"{share} threads" in summary["hardware"]["device"] for summary in parallel.values())
    assert parallel[0]["metrics"]["val/loss"] != parallel[1]["metrics"]["val/loss"]


@pytest.fixture(scope="module")
def one_by_one(tmp_path_factory: pytest.TempPathFactory) -> dict[int, dict[str, Any]]:
    return sweep(tmp_path_factory.mktemp("basic"), "basic", OMP_NUM_THREADS="1")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("launcher", "package"),
    [("joblib", "hydra_plugins.hydra_joblib_launcher"), ("submitit_local", "submitit"), ("ray", "ray")],
)
def test_each_engine_trains_what_one_by_one_does(
    tmp_path: Path, one_by_one: dict[int, dict[str, Any]], launcher: str, package: str
) -> None:
    pytest.importorskip(package)
    same(sweep(tmp_path / launcher, launcher, "hydra.launcher.n_jobs=2", OMP_NUM_THREADS="1"), one_by_one)


def same(actual: dict[int, dict[str, Any]], expected: dict[int, dict[str, Any]]) -> None:
    assert actual.keys() == expected.keys()
    for seed, summary in actual.items():
        assert summary["id"] == expected[seed]["id"]
        assert summary["metrics"] == expected[seed]["metrics"]


# SLURM, with stand-ins for its commands that start the tasks of an array on this machine


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the stand-ins; they leave the process id of task n in `n.pid`."""
    pytest.importorskip("submitit")
    folder = tmp_path / "slurm"
    folder.mkdir()
    for name, text in {"sbatch": SBATCH, "srun": SRUN, "scontrol": SCONTROL, "squeue": SQUEUE}.items():
        (folder / name).write_text(text.format(python=sys.executable, folder=folder), encoding="utf-8")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return folder


SBATCH = """#!{python}
import os, shutil, subprocess, sys
script = shutil.copy(sys.argv[1], "{folder}/script.sh")
for task in "01":
    names = dict(JOB_ID="7" + task, ARRAY_JOB_ID="7", ARRAY_TASK_ID=task, NTASKS="1", JOB_NUM_NODES="1", NODEID="0",
                 PROCID="0", LOCALID="0", JOB_NODELIST="localhost", JOB_NAME="train", NTASKS_PER_NODE="1")
    environment = os.environ | {{f"SLURM_{{name}}": value for name, value in names.items()}}
    command = ["bash", "-c", f"bash {{script}} && touch {folder}/{{task}}.done"]
    subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print("Submitted batch job 7")
"""
SRUN = """#!{python}
import os, sys
command = sys.argv[sys.argv.index("--error") + 3:]  # behind --cpus-per-task=4
with open(f"{folder}/{{os.environ['SLURM_ARRAY_TASK_ID']}}.pid", "w") as file:
    file.write(str(os.getpid()))
os.execvp(command[0], command)
"""
SCONTROL = """#!/bin/bash
# scontrol requeue ID: when the task has ended, start it again
task=$(cat "{folder}/$SLURM_ARRAY_TASK_ID.pid")
echo "$@" >> "{folder}/requeued"
(while kill -0 "$task"; do sleep 0.1; done
bash "{folder}/script.sh" && touch "{folder}/$SLURM_ARRAY_TASK_ID.done") > /dev/null 2>&1 &
"""
SQUEUE = """#!/bin/sh
for task in 0 1; do [ -e "{folder}/$task.done" ] && echo "7_$task|COMPLETED|None" || echo "7_$task|RUNNING|None"; done
"""


@pytest.mark.slow
def test_an_array_of_slurm_trains_what_one_by_one_does(
    tmp_path: Path, slurm: Path, one_by_one: dict[int, dict[str, Any]]
) -> None:
    same(sweep(tmp_path / "array", "submitit_slurm", "hydra.launcher.partition=gpu"), one_by_one)
    lines = (slurm / "script.sh").read_text(encoding="utf-8").splitlines()
    for wanted in ("partition=gpu", "array=0-1%2", "cpus-per-task=4", "time=240", "mem=16GB", "requeue"):
        assert f"#SBATCH --{wanted}" in lines
    assert not [line for line in lines if "gpus" in line]  # trainer.accelerator=cpu


@pytest.mark.slow
def test_a_job_that_slurm_stops_is_queued_again_and_goes_on(tmp_path: Path, slurm: Path) -> None:
    """Before its time is over SLURM sends SIGUSR2 to all processes of a task: the one of submitit, and the run's."""
    folder, epochs = tmp_path / "array", "trainer.max_epochs=16"
    child = subprocess.Popen(
        [sys.executable, "train.py", "-m", "seed=0,1", "hydra/launcher=submitit_slurm", f"hydra.sweep.dir={folder}",
         "sweep=array", *TINIEST[1:], epochs], cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    wait_for(lambda: len(list(folder.glob("*/checkpoints/last.ckpt"))) == 2)
    pids = [int((slurm / f"{task}.pid").read_text(encoding="utf-8")) for task in (0, 1)]
    for pid in pids:
        for process in (*map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()), pid):
            os.kill(process, signal.SIGUSR2)
    output, _ = child.communicate(timeout=240)
    assert child.returncode == 0, output
    assert "2 jobs: 2 completed" in output
    assert sorted((slurm / "requeued").read_text(encoding="utf-8").split("\n")) == ["", "requeue 7_0", "requeue 7_1"]
    whole = sweep(tmp_path / "whole", "basic", epochs)
    same({s["seed"]: s for s in map(summary_of, folder.glob("*/summary.json"))}, whole)
