"""What a cluster is asked for, and what is made of its answers: without one."""

import json
from pathlib import Path

import pytest

from helpers.project import configure
from helpers.sweeping import TINIEST
from hourglass.cli import train
from hourglass.core.errors import ConfigError
from hourglass.core.formats import FORMAT
from hourglass.sweeps import slurm

OPTIONS = {"partition": None, "gpus_per_node": None, "additional_parameters": {}, "cpus_per_task": 4, "mem_gb": 16}


@pytest.fixture
def sinfo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a cluster whose default partition has no GPUs, and another one has."""
    path = tmp_path / "sinfo"
    path.write_text("#!/bin/sh\necho 'main*|(null)'\necho 'gpu|gpu:a100:8(S:0-1)'\n", encoding="utf-8")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")


@pytest.mark.parametrize(
    ("options", "overrides", "count"),
    [
        ({}, [], None),  # trainer.accelerator=auto
        ({"partition": "gpu"}, [], 1),
        ({"partition": "gpu"}, ["trainer=cpu"], None),
        ({}, ["trainer=gpu"], 1),
        ({}, ["trainer=gpu", "trainer.devices=4"], 4),
        ({}, ["trainer=gpu", "trainer.devices=[0,1]"], 2),
        ({"gpus_per_node": 0}, ["trainer=gpu"], None),
        ({"additional_parameters": {"gres": "gpu:a100:1"}}, ["trainer=gpu"], None),
    ],
)
@pytest.mark.usefixtures("sinfo")
def test_gpus_are_asked_for_where_the_trainer_uses_them(
    options: dict[str, object], overrides: list[str], count: int | None
) -> None:
    jobs = [configure(*overrides), configure("trainer=cpu")]
    assert slurm.with_gpus(OPTIONS | options, jobs)["gpus_per_node"] == count


@pytest.mark.usefixtures("sinfo")
def test_all_gpus_of_a_node_are_no_number() -> None:
    with pytest.raises(ConfigError, match=r"trainer\.devices=auto: say how many GPUs a job is to have"):
        slurm.with_gpus(OPTIONS | {"partition": "gpu"}, [configure("trainer=ddp")])


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (
            "sbatch: error: invalid partition specified: nope\n"
            "sbatch: error: Batch job submission failed: Invalid partition name specified",
            "invalid partition specified: nope; Invalid partition name specified. "
            "Change hydra.launcher.partition (now None)",
        ),
        (
            "sbatch: error: Batch job submission failed: Invalid generic resource (gres) specification",
            "Invalid generic resource (gres) specification. Change hydra.launcher.gpus_per_node (now None)",
        ),
        (
            "sbatch: error: Memory specification can not be satisfied\n"
            "sbatch: error: Batch job submission failed: Requested node configuration is not available",
            "Memory specification can not be satisfied; Requested node configuration is not available. "
            "Change hydra.launcher.mem_gb (now 16) or hydra.launcher.partition (now None)",
        ),
        (
            "sbatch: error: Batch job submission failed: Invalid qos specification",
            "Invalid qos specification. Change hydra.launcher.additional_parameters (now {})",
        ),
    ],
)
def test_a_refusal_names_the_option_to_change(answer: str, sentence: str) -> None:
    """The answers of SLURM 22.05."""
    assert slurm._refusal(answer, OPTIONS) == f"SLURM refuses the jobs: {sentence}"


def test_a_dry_run_shows_the_script_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("submitit")
    folder = tmp_path / "sweep"
    train.main(
        ["-m", "seed=0,1", "trainer=gpu", "trainer.devices=2", "hydra/launcher=submitit_slurm", "--dry-run",
         "sweep=first", f"hydra.sweep.dir={folder}", "hydra.launcher.mem_gb=1.5", *TINIEST[:-1]]
    )  # fmt: skip
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"sweep sweep: 2 jobs in {folder}, of which 2 would be started"
    assert [line.split(maxsplit=1)[1] for line in lines[1:3]] == ["seed=0  planned", "seed=1  planned"]
    for wanted in ("array=0-1%2", "gpus-per-node=2", "job-name=first", "mem=1536MB", "requeue", "signal=USR2@90"):
        assert f"#SBATCH --{wanted}" in lines
    assert any(line.startswith("srun ") and " --cpus-per-task=4 " in line for line in lines)
    assert not folder.exists()
    with pytest.raises(ConfigError, match="the others are to be held against seed=7, which no job has"):
        train.main(["-m", "seed=0,1", "reference='seed=7'", "--dry-run", f"hydra.sweep.dir={folder}", *TINIEST[:-1]])


def test_a_dry_run_tells_what_is_done_and_how_long_the_rest_will_take(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "sweep"
    arguments = ["-m", "seed=range(0,4)", "sweep=first", f"hydra.sweep.dir={folder}", *TINIEST[:-1], "--dry-run"]
    train.main(arguments)
    first = capsys.readouterr().out.splitlines()
    assert first[-2] == "no job has been completed, so nothing tells how long they will train"
    for job, seconds in zip((line.split()[0] for line in first[1:3]), (30, 40), strict=True):
        summary = {"format": FORMAT, "id": job, "status": "completed", "cost": {"train_seconds": seconds}}
        (folder / job).mkdir(parents=True)
        (folder / job / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    train.main(arguments)
    again = capsys.readouterr().out.splitlines()
    assert again[0].endswith("of which 2 would be started")
    assert [line.split()[-1] for line in again[1:5]] == ["completed", "completed", "planned", "planned"]
    assert again[5] == "about 70 s of training in all, if each takes as long as the 2 completed did"


@pytest.mark.parametrize("arguments", [["seed=1"], ["resume=somewhere"], ["-m", "seed=0,1", "--cfg", "job"]])
def test_a_dry_run_is_of_a_sweep(arguments: list[str]) -> None:
    with pytest.raises(ConfigError, match="--dry-run shows what a sweep would start"):
        train.main([*arguments, "--dry-run"])


def test_a_search_has_no_dry_run() -> None:
    with pytest.raises(ConfigError, match="a search chooses its jobs by what others show"):
        train.main(["-m", "search=optuna", "--dry-run"])
