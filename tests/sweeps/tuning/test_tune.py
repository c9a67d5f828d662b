"""Tuning of a made-up objective: what is chosen is known."""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hourglass.core.errors import ConfigError
from hourglass.core.files import write_json
from hourglass.core.formats import FORMAT
from hourglass.runs.read import summary_of
from hourglass.sweeps.tuning.grid import Axis
from hourglass.sweeps.tuning.plan import Tuning, TuningSettings
from hourglass.sweeps.tuning.tune import Launch, Refusal, tune

OPTIMUM = {"resize": 0.0025, "transpose": 0.01, "far": 0.16}
TOY = Tuning(
    [Axis.around("optimizer.lr", 0.005)],
    [["model=conv", "decoder=resize"], ["model=conv", "decoder=transpose"]],
    ["0", "1"],
    TuningSettings([7, 8, 9], None, 3),
)


def objective(given: dict[str, str]) -> float:
    """How far the learning rate is from the optimum of the decoder, in powers of two, and noise of the seed."""
    away = abs(math.log2(float(given["optimizer.lr"]) / OPTIMUM[given["decoder"]]))
    return 0.01 + 0.001 * away + 1e-5 * random.Random(given["seed"]).random()


class Lab:
    """Jobs that train nothing; each leaves the summary of a run, unless it is done already."""

    def __init__(
        self,
        folder: Path,
        status: Callable[[dict[str, str]], str] = lambda _: "completed",
        kill_before: int | None = None,
    ) -> None:
        self.folder, self.status, self.kill_before = folder, status, kill_before
        self.rounds: list[list[dict[str, str]]] = []
        self.trained: list[str] = []
        self.about: dict[str, Any] = {}

    def launch(self, jobs: list[list[str]], about: dict[str, Any]) -> Sequence[Path]:
        self.about = about
        self.rounds.append([dict(override.split("=") for override in job) for job in jobs])
        folders = [self.folder / " ".join(sorted(job)) for job in jobs]
        for given, folder in zip(self.rounds[-1], folders, strict=True):
            if summary_of(folder).get("status", "failed") not in ("completed", "diverged"):
                ended, mse = self.status(given), objective(given)
                if len(self.trained) == self.kill_before:
                    raise KeyboardInterrupt
                self.trained.append(folder.name)
                folder.mkdir(exist_ok=True)
                metrics = {
                    "val/loss": 1 - mse,
                    "val/mse": mse,
                    "val/psnr": -10 * math.log10(mse),
                    "val/phase_bias_2": 0.1,
                }
                write_json(
                    folder / "summary.json",
                    {"format": FORMAT, "status": ended, "metrics": metrics if ended == "completed" else {}},
                )
        return folders


def chosen(lab: Lab) -> dict[str, set[str]]:
    """Decoder -> the learning rates of its reported jobs."""
    reported = [given for given in lab.rounds[-1] if "reported" not in given]
    return {
        given["decoder"]: {g["optimizer.lr"] for g in reported if g["decoder"] == given["decoder"]}
        for given in reported
    }


def run(tuning: Tuning, launch: Launch, refusal: Refusal = lambda job, key: "") -> str:
    return "\n".join(tune(tuning, launch, refusal))


def test_each_configuration_gets_the_minimum_of_its_own_curve(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    screen = run(TOY, lab.launch)
    assert [len(jobs) for jobs in lab.rounds] == [2 * 5 * 3, 2 * 2]
    assert {given["seed"] for given in lab.rounds[0]} == {"7", "8", "9"}
    assert all(given["reported"] == "false" for given in lab.rounds[0])
    assert {given["seed"] for given in lab.rounds[1]} == {"0", "1"}
    assert chosen(lab) == {"resize": {"0.0025"}, "transpose": {"0.01"}}
    assert "decoder=resize: optimizer.lr=0.0025, val/mse 0.01 over 3 seeds" in screen
    assert "edge" not in screen
    assert lab.about == {"keys": ["optimizer.lr"], "seeds": [7, 8, 9], "metric": "val/mse"}
    assert run(TOY, lab.launch) == screen
    assert len(lab.trained) == 34  # nothing twice


def test_a_best_at_the_edge_extends_the_grid_for_all_alike_and_not_for_ever(tmp_path: Path) -> None:
    far = replace(TOY, configurations=[["decoder=far"], ["decoder=resize"]])
    lab = Lab(tmp_path / "a")
    lab.folder.mkdir()
    screen = run(far, lab.launch)
    assert [len(jobs) for jobs in lab.rounds] == [30, 6, 6, 6, 4]
    assert [{g["optimizer.lr"] for g in jobs} for jobs in lab.rounds[1:4]] == [{"0.04"}, {"0.08"}, {"0.16"}]
    assert chosen(lab) == {"far": {"0.16"}, "resize": {"0.0025"}}
    assert "decoder=far: optimizer.lr=0.16, val/mse 0.01 over 3 seeds; a higher optimizer.lr may be better" in screen
    lab = Lab(tmp_path / "b")
    lab.folder.mkdir()
    uneven = replace(far, axes=[Axis.of("optimizer.lr", [0.0025, 0.005, 0.006])])
    screen = run(uneven, lab.launch)
    assert [len(jobs) for jobs in lab.rounds] == [18, 4]
    assert "optimizer.lr=0.006, val/mse" in screen
    assert "a higher optimizer.lr may be better" in screen
    assert "a lower optimizer.lr may be better" in screen


def test_a_value_that_a_configuration_refuses_is_the_end_of_the_grid(tmp_path: Path) -> None:
    """For all alike, whichever refuses it: nothing is tried there, and nothing fails."""

    def refusal(job: list[str], key: str) -> str:
        value = float(job[-1].removeprefix(f"{key}="))
        return f"{key}={value} is too high" if "decoder=resize" in job and value > 0.05 else ""

    lab = Lab(tmp_path)
    screen = run(replace(TOY, configurations=[["decoder=far"], ["decoder=resize"]]), lab.launch, refusal)
    assert [len(jobs) for jobs in lab.rounds] == [30, 6, 4]
    assert chosen(lab) == {"far": {"0.04"}, "resize": {"0.0025"}}
    assert screen.splitlines()[:2] == [
        "the best optimizer.lr is at the higher edge of the grid: 0.04 is tried too",
        "the best optimizer.lr is at the higher edge of the grid, which ends there: optimizer.lr=0.08 is too high",
    ]
    assert "may be better" not in screen


def test_what_diverged_is_infinitely_bad_and_what_failed_leaves_its_configuration_undecided(tmp_path: Path) -> None:
    def status(given: dict[str, str]) -> str:
        if given["decoder"] == "transpose":
            return "diverged" if (given["optimizer.lr"], given["seed"]) == ("0.01", "8") else "completed"
        return "failed" if (given["optimizer.lr"], given["seed"]) == ("0.02", "7") else "completed"

    lab = Lab(tmp_path, status)
    screen = run(TOY, lab.launch)
    assert chosen(lab) in ({"transpose": {"0.005"}}, {"transpose": {"0.02"}})
    assert "decoder=resize is not tuned, and not reported: of its tuning jobs 1 failed" in screen
    hopeless = Lab(tmp_path / "hopeless", lambda given: "diverged")
    hopeless.folder.mkdir()
    assert run(TOY, hopeless.launch).count("is not tuned, and not reported: it diverged with every value") == 2
    assert len(hopeless.rounds) == 1


def test_killed_anywhere_it_goes_on_and_ends_as_an_unbroken_one(tmp_path: Path) -> None:
    whole = Lab(tmp_path / "whole")
    whole.folder.mkdir()
    far = replace(TOY, configurations=[["decoder=far"], ["decoder=resize"]])
    run(far, whole.launch)
    (tmp_path / "broken").mkdir()
    trained: list[str] = []
    for kill in (5, 20, 31, 40, 49, None):
        lab = Lab(tmp_path / "broken", kill_before=None if kill is None else kill - len(trained))
        try:
            run(far, lab.launch)
        except KeyboardInterrupt:
            assert kill is not None
        trained += lab.trained
    assert trained == whole.trained
    assert chosen(lab) == chosen(whole)


def test_while_another_process_is_at_work_nothing_is_chosen(tmp_path: Path) -> None:
    lab = Lab(tmp_path, lambda given: "interrupted" if given["seed"] == "9" else "completed")
    assert run(TOY, lab.launch) == "tuning is not done (10 interrupted): the same command goes on"
    assert len(lab.rounds) == 1


def test_it_tunes_by_another_metric_in_its_own_direction(tmp_path: Path) -> None:
    for metric in ("val/psnr", "val/loss"):
        by_it = replace(TOY, settings=replace(TOY.settings, metric=metric))
        lab = Lab(tmp_path)
        screen = run(by_it, lab.launch)
        if metric == "val/psnr":
            assert chosen(lab) == {"resize": {"0.0025"}, "transpose": {"0.01"}}
            assert "decoder=resize: optimizer.lr=0.0025, val/psnr 20 over 3 seeds" in screen
        else:  # which is made up the other way round
            assert chosen(lab)["resize"] != {"0.0025"}
    for metric, message in (
        ("val/ssim", "was not logged: there are val/loss, val/mse"),
        ("val/phase_bias_2", "no value"),
    ):
        with pytest.raises(ConfigError, match=message):
            run(replace(TOY, settings=replace(TOY.settings, metric=metric)), Lab(tmp_path).launch)
