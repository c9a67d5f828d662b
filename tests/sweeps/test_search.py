"""Searches: one space for two engines, nothing lost when killed, bad trials given up."""

import json
import os
import random
import signal
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import yaml
from hourglass.sweeps.sweeps.search import search
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from helpers.project import configure, options, run_command
from hourglass.core.errors import Busy, ConfigError, Pruned
from hourglass.runs import status as states
from hourglass.sweeps.search.search import Choice, Interval, Space
from hourglass.training.loggers import wandb as loggers

optuna = pytest.importorskip("optuna", reason="the extra `optuna` is not installed")
from hourglass.sweeps.search.pruning import Pruning  # noqa: E402

SETTINGS = OmegaConf.create({"trials": 6, "random_trials": 3, "seed": 0})
TOY = Space(["model=conv"], {"op": Choice(["good", "bad"]), "lr": Interval(1e-3, 1.0, None, log=True)}, "toy")


def with_trials(trials: int) -> DictConfig:
    return OmegaConf.create(dict(SETTINGS) | {"trials": trials})


# The space


def space_of(configured: dict[str, Any], *overrides: str) -> Space:
    return search.read_space(OmegaConf.create(configured), list(overrides), OverridesParser.create())


def test_the_command_line_wins_over_the_space() -> None:
    configured = {"decoder": "choice(resize,transpose)", "latent": "dense", "optimizer.lr": "interval(0.1,1)"}
    space = space_of(configured, "decoder=subpixel", "channels=[8],[16,32]", "seed=3")
    assert sorted(space.fixed) == ["decoder=subpixel", "latent=dense", "seed=3"]
    assert space.varied == {"channels": Choice(["[8]", "[16,32]"]), "optimizer.lr": Interval(0.1, 1.0, None, False)}
    assert space_of(configured).name != space.name
    assert space_of(configured, "decoder=subpixel", "channels=[8],[16,32]", "seed=3", "sweep=x").name == space.name
    with pytest.raises(ConfigError, match="nothing to search"):
        space_of({"decoder": "choice(resize,transpose)"}, "decoder=resize")


@pytest.mark.parametrize(
    ("sweep", "parameter", "in_wandb"),
    [
        ("choice(a,b)", Choice(["a", "b"]), {"values": ["a", "b"]}),
        ("interval(1,5)", Interval(1.0, 5.0, None, False), {"distribution": "uniform", "min": 1.0, "max": 5.0}),
        ("int(interval(1,5))", Interval(1, 5, None, False), {"distribution": "int_uniform", "min": 1, "max": 5}),
        (
            "tag(log,interval(0.1,1))",
            Interval(0.1, 1.0, None, True),
            {"distribution": "log_uniform_values", "min": 0.1, "max": 1.0},
        ),
        (
            "tag(log,int(interval(1,64)))",
            Interval(1, 64, None, True),
            {"distribution": "q_log_uniform_values", "q": 1, "min": 1, "max": 64},
        ),
        ("range(8,65,8)", Interval(8, 64, 8, False), {"distribution": "q_uniform", "q": 8, "min": 8, "max": 64}),
    ],
)
def test_hydras_grammar_in_both_engines(sweep: str, parameter: Choice | Interval, in_wandb: dict[str, Any]) -> None:
    (read,) = space_of({"key": sweep}).varied.values()
    assert read == parameter
    assert search.wandb_parameter(read) == in_wandb
    study = optuna.create_study()
    for _ in range(20):
        _, chosen = search.suggest(study, study.ask(), Space([], {"key": read}, ""), SETTINGS)
        if isinstance(parameter, Choice):
            assert chosen["key"] in parameter.values
        else:
            assert parameter.low <= chosen["key"] <= parameter.high
            assert parameter.integer == isinstance(chosen["key"], int)
            assert not parameter.step or chosen["key"] % parameter.step == 0


@pytest.mark.parametrize("sweep", ["interval(1,1)", "interval(2,1)", "tag(log,interval(0,1))"])
def test_an_empty_interval_is_refused(sweep: str) -> None:
    with pytest.raises(ConfigError, match="from a smaller to a larger number"):
        space_of({"key": sweep})


def test_the_space_of_the_project_composes() -> None:
    """Every choice there is an option of its group, and keys are keys of the configuration."""
    space = space_of(dict(configure("search=wandb").search.space))
    assert set(space.varied) == {"encoder", "decoder", "channels", "optimizer.lr"}
    assert not space.fixed
    assert set(choices(space, "encoder")) < set(options("encoder"))
    assert set(choices(space, "decoder")) < set(options("decoder"))
    assert {OmegaConf.create(f"c: {value}").c[-1] for value in choices(space, "channels")} == {32}
    assert configure("optimizer.lr=0.01").optimizer.lr == 0.01


def choices(space: Space, key: str) -> list[str]:
    parameter = space.varied[key]
    assert isinstance(parameter, Choice)
    return parameter.values


# Optuna, with a launcher that trains nothing


def toy(folder: Path, status: Callable[[dict[str, str]], str] = lambda _: "completed") -> search.Launch:
    """Jobs whose val/loss is |log10(lr) + 2|, and 1 more for op=bad; each leaves the summary of a run."""

    def launch(jobs: list[list[str]], first: int) -> Sequence[Path]:
        runs = []
        for overrides in jobs:
            given = dict(override.split("=") for override in overrides)
            run = folder / given["trial"]
            run.mkdir(exist_ok=True)
            states.write_summary(run, {"status": status(given), "metrics": {"val/loss": loss(given)}})
            runs.append(run)
        return runs

    return launch


def loss(given: dict[str, Any]) -> float:
    return abs(torch.tensor(float(given["lr"]), dtype=torch.float64).log10().item() + 2) + (given["op"] == "bad")


def record(study: Any) -> list[tuple[Any, ...]]:
    return [(t.number, t.state.name, t.params, t.value) for t in study.trials]


def test_a_search_finds_the_better_half(tmp_path: Path) -> None:
    longer = with_trials(12)
    study = search.optimise(longer, TOY, tmp_path, 1, toy(tmp_path))
    assert [trial.number for trial in study.trials] == list(range(12))
    assert all(trial.value == loss(trial.params) for trial in study.trials)
    assert study.best_value < 0.4
    late = [trial.params["op"] for trial in study.trials[6:]]
    assert late.count("good") > late.count("bad")
    assert f"best of 12 trials: number {study.best_trial.number}, val/loss" in search.ending(study)
    assert record(search.optimise(longer, TOY, tmp_path, 1, toy(tmp_path))) == record(study)  # it is done


def test_jobs_get_what_is_fixed_what_was_chosen_and_their_number(tmp_path: Path) -> None:
    seen: list[list[list[str]]] = []

    def launch(jobs: list[list[str]], first: int) -> Sequence[Path]:
        assert first == sum(map(len, seen))
        seen.append(jobs)
        return toy(tmp_path)(jobs, first)

    study = search.optimise(with_trials(5), TOY, tmp_path, 2, launch)
    assert [len(jobs) for jobs in seen] == [2, 2, 1]
    for trial, overrides in zip(study.trials, [job for jobs in seen for job in jobs], strict=True):
        assert overrides == ["model=conv", *(f"{k}={v}" for k, v in trial.params.items()), f"trial={trial.number}"]


def test_trials_that_fail_or_are_given_up_are_told_and_cost_only_themselves(tmp_path: Path) -> None:
    ends = {"0": "failed", "1": "incompatible", "2": "diverged", "3": "pruned"}
    status = lambda given: ends.get(given["trial"], "completed")  # noqa: E731
    study = search.optimise(SETTINGS, TOY, tmp_path, 1, toy(tmp_path, status))
    assert [t.state.name for t in study.trials] == ["FAIL", "FAIL", "FAIL", "PRUNED", "COMPLETE", "COMPLETE"]
    hopeless = tmp_path / "hopeless"
    study = search.optimise(SETTINGS, TOY, hopeless, 4, toy(hopeless, lambda _: "failed"))
    assert len(study.trials) == 6
    assert search.ending(study) == "no trial of this search was completed"


@pytest.mark.parametrize("before_the_end", [True, False], ids=["while training", "when just done"])
def test_a_killed_search_ends_as_an_unbroken_one(tmp_path: Path, before_the_end: bool) -> None:
    whole = record(search.optimise(SETTINGS, TOY, tmp_path / "whole", 1, toy(tmp_path / "whole")))
    folder = tmp_path / "broken"

    def killed(jobs: list[list[str]], first: int) -> Sequence[Path]:
        mark = folder / f"killed{first}"
        kill = first in (0, 3, 5) and not mark.exists()
        if kill:
            mark.touch()
        if not (kill and before_the_end):
            runs = toy(folder)(jobs, first)
        if kill:
            os.kill(os.getpid(), signal.SIGKILL)
        return runs

    starts = 0
    while in_a_process(lambda: search.optimise(SETTINGS, TOY, folder, 1, killed)) == -signal.SIGKILL:
        starts += 1
    assert starts == 3
    assert record(search.study_of(TOY, folder)) == whole


def test_no_finished_trial_is_lost_whenever_it_is_killed(tmp_path: Path) -> None:
    """SIGKILL at random moments, in the middle of a transaction too."""
    search.optimise(with_trials(1), TOY, tmp_path, 1, toy(tmp_path))
    generator, endless, done = random.Random(0), with_trials(1000), finished(tmp_path)
    patience = 1.0
    for _ in range(6):
        pause = generator.uniform(0.1, 0.5) * patience
        code = in_a_process(lambda: search.optimise(endless, TOY, tmp_path, 2, toy(tmp_path)), kill_after=pause)
        assert code == -signal.SIGKILL
        before, done = done, finished(tmp_path)
        assert done[: len(before)] == before
        patience *= 1 if len(done) > len(before) else 2  # on a machine that has other work
    trials = search.optimise(with_trials(1), TOY, tmp_path, 2, toy(tmp_path)).trials  # what is left over
    assert len(trials) > 2
    assert all(trial.value == loss(trial.params) for trial in trials)


def finished(folder: Path) -> list[tuple[Any, ...]]:
    with sqlite3.connect(search.home(folder) / "optuna.db", timeout=30) as database:
        rows = database.execute("SELECT trial_id, value FROM trial_values JOIN trials USING (trial_id)")
        return sorted(rows.fetchall())


def in_a_process(work: Callable[[], object], kill_after: float | None = None) -> int:
    """The exit code of a forked process that does this, negative for a signal."""
    if (child := os.fork()) == 0:
        work()
        os._exit(0)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_an_interrupted_trial_stays_open_and_is_the_first_of_the_next_time(tmp_path: Path) -> None:
    few = with_trials(2)
    stopped = toy(tmp_path, lambda given: "interrupted" if given["trial"] == "0" else "completed")
    study = search.optimise(few, TOY, tmp_path, 1, stopped)
    assert [trial.state.name for trial in study.trials] == ["RUNNING", "COMPLETE"]
    again = search.optimise(few, TOY, tmp_path, 1, toy(tmp_path))
    assert [trial.state.name for trial in again.trials] == ["COMPLETE", "COMPLETE"]
    assert again.trials[0].params == study.trials[0].params


def test_one_folder_one_search_one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    search.optimise(with_trials(1), TOY, tmp_path, 1, toy(tmp_path))
    with pytest.raises(ConfigError, match="another space or with other values fixed: give another sweep="):
        search.optimise(SETTINGS, TOY._replace(name="other"), tmp_path, 1, toy(tmp_path))
    monkeypatch.setattr(states, "WAIT", 0.1)
    with states.lock(search.home(tmp_path)), pytest.raises(Busy):
        search.optimise(SETTINGS, TOY, tmp_path, 1, toy(tmp_path))
    with pytest.raises(ConfigError, match=r"search.trials=0: input should be greater than or equal to 1"):
        search.optimise(with_trials(0), TOY, tmp_path, 1, toy(tmp_path))


# Pruning


def study_with_curves(folder: Path) -> int:
    """Three completed trials with val/loss 1, 2, 3 at every epoch, and a fourth that runs; its number."""
    search.home(folder).mkdir()
    study = search.study_of(TOY, folder)
    for value in (1.0, 2.0, 3.0):
        trial = study.ask()
        for epoch in range(1, 5):
            trial.report(value, epoch)
        study.tell(trial, value)
    return study.ask().number


def validate(
    callback: Pruning, folder: Path, epoch: int, value: float, rank_zero: bool = True, others: Any = None
) -> None:
    trainer = SimpleNamespace(
        default_root_dir=str(folder / "run"),
        current_epoch=epoch - 1,
        callback_metrics={"val/loss": torch.tensor(value)},
        is_global_zero=rank_zero,
        strategy=SimpleNamespace(broadcast=lambda decision: decision if rank_zero else others),
    )
    callback.on_validation_end(trainer, None)  # type: ignore[arg-type]


def pruning(trial: int, rule: dict[str, int] | None) -> Pruning:
    return Pruning(OmegaConf.create({"trial": trial, "search": {"pruning": rule}}))


def test_a_trial_worse_than_the_median_is_given_up_after_its_first_epochs(tmp_path: Path) -> None:
    number = study_with_curves(tmp_path)
    callback = pruning(number, {"after_trials": 3, "after_epochs": 2})
    validate(callback, tmp_path, 1, 2.5)  # the median is 2, but it is too early
    validate(callback, tmp_path, 2, 1.9)
    validate(callback, tmp_path, 3, 2.5)  # its best is still 1.9
    other = search.study_of(TOY, tmp_path).ask().number
    validate(pruning(other, {"after_trials": 4, "after_epochs": 1}), tmp_path, 2, 2.1)  # 3 others are too few
    with pytest.raises(Pruned, match="at epoch 3 it was worse"):
        validate(pruning(other, {"after_trials": 3, "after_epochs": 1}), tmp_path, 3, 2.1)
    assert search.study_of(TOY, tmp_path).trials[number].intermediate_values == {1: 2.5, 2: pytest.approx(1.9), 3: 2.5}


def test_without_pruning_and_after_the_end_of_the_trial_nothing_is_given_up(tmp_path: Path) -> None:
    number = study_with_curves(tmp_path)
    validate(pruning(number, None), tmp_path, 3, 9.0)
    search.study_of(TOY, tmp_path).tell(number, 9.0)
    validate(pruning(number, {"after_trials": 1, "after_epochs": 1}), tmp_path, 4, 9.0)  # `resume=` trains it again
    assert search.study_of(TOY, tmp_path).trials[number].intermediate_values == {3: 9.0}


def test_rank_zero_decides_for_all(tmp_path: Path) -> None:
    callback = pruning(0, {"after_trials": 1, "after_epochs": 1})
    validate(callback, tmp_path, 3, 2.1, rank_zero=False, others=False)
    with pytest.raises(Pruned):
        validate(callback, tmp_path, 3, 2.1, rank_zero=False, others=True)


# W&B


def test_wandb_gets_a_sweep_whose_agents_can_call_train(tmp_path: Path) -> None:
    done = run_command(
        *("-X", "importtime", "train.py", "search=wandb", f"hydra.sweep.dir={tmp_path / 'mine'}", "sweep=mine"),
        *("search.trials=7", "data=synthetic", "optimizer.lr=tag(log,interval(0.001,0.01))", "decoder=resize"),
    )
    assert done.returncode == 0, done.stderr
    assert "| torch" not in done.stderr
    file = tmp_path / "mine" / "wandb_sweep.yaml"
    assert f"wandb sweep {file}\n  wandb agent" in done.stdout

    from wandb.sdk.launch.sweeps import utils

    sweep: Any = utils.load_sweep_config(str(file))
    assert (sweep["name"], sweep["project"], sweep["method"], sweep["run_cap"]) == ("mine", "hourglass", "bayes", 7)
    assert sweep["metric"] == {"name": "val/loss", "goal": "minimize"}
    assert list(sweep["parameters"]) == ["encoder", "channels", "optimizer.lr"]
    chosen = {"encoder": "strided", "channels": sweep["parameters"]["channels"]["values"][0], "optimizer.lr": 0.0042}
    arguments = utils.create_sweep_command_args({"args": {key: {"value": value} for key, value in chosen.items()}})
    command = utils.create_sweep_command(sweep["command"])
    assert command[:3] == ["${env}", "${interpreter}", "${program}"]
    assert sweep["program"] == "train.py"
    assert command[-1] == "${args_no_hyphens}"
    config = configure(*command[3:-1], *arguments["args_no_hyphens"])  # what an agent adds behind `python train.py`
    assert config == configure(
        "data=synthetic", "decoder=resize", "encoder=strided", "channels=[8,32]", "optimizer.lr=0.0042"
    )


def test_under_an_agent_the_run_has_the_agents_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_SWEEP_ID", "sweep001")
    monkeypatch.setenv("WANDB_RUN_ID", "agentrun")
    options: DictConfig = configure().logger.wandb
    plain = {key: value for key, value in options.items() if not str(key).startswith("_")}
    logger: Any = loggers.wandb_logger(tmp_path, "0123abcd", "name", None, **plain | {"mode": "offline"})
    logger.finish(exit_code=0)
    (folder,) = tmp_path.glob("wandb/offline-run-*")
    assert folder.name.endswith("-agentrun")


# For real

TINY = (
    "trainer.max_epochs=1", "trainer.limit_train_batches=2", "trainer.limit_val_batches=1",
    "trainer.limit_test_batches=1", "floors=null", "logger=none", "trainer.accelerator=cpu", "encoder=maxpool",
)  # fmt: skip


@pytest.mark.slow
def test_a_real_search_killed_and_continued_loses_no_finished_trial(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    command = ("train.py", "search=optuna", "search.trials=4", f"hydra.sweep.dir={folder}", "sweep=mine", *TINY)
    child = in_background(*command)
    deadline = time.monotonic() + 120
    while sum(states.status_of(path.parent) == "completed" for path in folder.glob("*/summary.json")) < 3:
        assert time.monotonic() < deadline
        assert child.poll() is None
        time.sleep(0.02)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    before = finished(folder)
    done = run_command(*command)
    assert done.returncode == 0, done.stdout + done.stderr
    assert finished(folder)[: len(before)] == before
    study = optuna.load_study(study_name=None, storage=search.storage(folder))
    assert [trial.state.name for trial in study.trials] == ["COMPLETE"] * 4
    summaries = [json.loads(path.read_text()) for path in folder.glob("*/summary.json")]
    assert {s["metrics"]["val/loss"] for s in summaries} == {trial.value for trial in study.trials}
    assert "best of 4 trials" in done.stdout
    assert yaml.safe_load((folder / "sweep.json").read_text())["jobs"].keys() == {s["id"] for s in summaries}


def in_background(*arguments: str) -> Any:
    import subprocess
    import sys

    return subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.mark.slow
def test_a_bad_trial_is_given_up_for_real(tmp_path: Path) -> None:
    """A learning rate of 1e-8 learns nothing, and the two good trials before have shown how it is done."""
    folder = tmp_path / "mine"
    done = run_command(
        *("train.py", "search=optuna", "search.trials=6", "search.random_trials=6"),
        *(f"hydra.sweep.dir={folder}", "sweep=mine"),
        *("search.pruning.after_trials=2", "search.pruning.after_epochs=1", *TINY[1:], "trainer.max_epochs=3"),
        *("decoder=resize", "channels=[8]", "optimizer.lr=choice(1e-8,0.02)"),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    study = optuna.load_study(study_name=None, storage=search.storage(folder))
    ends = {trial.params["optimizer.lr"]: trial.state.name for trial in study.trials}
    assert ends["0.02"] == "COMPLETE"
    statuses = {json.loads(path.read_text())["status"] for path in folder.glob("*/summary.json")}
    assert statuses <= {"completed", "pruned"}
