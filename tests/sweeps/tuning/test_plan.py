"""What `tune=` and `budgets=` mean, and what is refused in one sentence."""

from pathlib import Path
from typing import Any

import pytest

from helpers.project import CONF, configure, run_command
from hourglass.cli.planning.jobs import named
from hourglass.cli.planning.judging import refuse_shared_seeds
from hourglass.cli.sweep import plan
from hourglass.config.overrides import sweep_name
from hourglass.core.compat.hydra import Application
from hourglass.core.errors import ConfigError
from hourglass.core.files import write_json
from hourglass.core.formats import FORMAT
from hourglass.runs.read import read_sweep
from hourglass.sweeps.tuning.plan import Tuning, gathered, of_budgets, read_tuning

DECODERS = (["decoder=resize"], ["decoder=transpose"])


def read(
    tune: Any, *fixed: str, jobs: Any = DECODERS, seeds: Any = ("0", "1"), own: Any = (1000, 1001, 1002), **how: Any
) -> Tuning:
    plain = configure(*fixed).plain
    plain = plain | {"tune": tune, "tuning": plain["tuning"] | {"seeds": [*own]} | how}
    return read_tuning(plain, [[*job, *fixed] for job in jobs], seeds, lambda job: configure(*job))


def test_a_bare_key_is_tuned_around_what_is_configured() -> None:
    tuning = read(["optimizer.lr"])
    assert [axis.values for axis in tuning.axes] == [(0.00125, 0.0025, 0.005, 0.01, 0.02)]
    assert tuning.tuning_jobs(1, (0.02,)) == [
        ["decoder=transpose", "optimizer.lr=0.02", f"seed={seed}", "reported=false"] for seed in (1000, 1001, 1002)
    ]
    assert tuning.reported_jobs(0, (0.005,)) == [["decoder=resize", "optimizer.lr=0.005", f"seed={s}"] for s in (0, 1)]
    assert str(tuning) == "2 configurations × 5 values of optimizer.lr × 3 tuning seeds, then 2 reported seeds of each"
    around = read(["optimizer.lr"], "optimizer.lr=0.01")
    assert around.axes[0].values[2] == 0.01
    assert around.configurations == [["decoder=resize"], ["decoder=transpose"]]  # a job is given it once
    assert read(["optimizer.lr"], seeds=()).seeds == ["0"]  # as configured


@pytest.mark.parametrize(
    ("key", "given", "values", "whole"),
    [
        ("latent.dim", None, (4, 8, 16, 32, 64), True), ("latent.dim", [12, 8], (8, 12), True),
        ("data.batch_size", None, (16, 32, 64, 128, 256), True), ("optimizer.lr", [1, 2], (1, 2), False),
        ("corruption.std", [1, 0.5], (0.5, 1), False), ("corruption.std", [0, 1], (0, 1), False),
    ],
)  # fmt: skip
def test_a_key_of_whole_numbers_is_tuned_over_whole_numbers(
    key: str, given: Any, values: tuple[float, ...], whole: bool
) -> None:
    tune = [key] if given is None else {key: given}
    fixed = ("latent=dense", "channels=[4]", "corruption=gaussian", "corruption.std=1", "optimizer.lr=1")
    (axis,) = read(tune, *[one for one in fixed if not (given and one.startswith(f"{key}="))], jobs=([],)).axes
    assert (axis.values, axis.whole) == (values, whole)
    assert all(type(value) is int for value in axis.values) or not whole


def test_the_command_line_names_values_in_hydras_grammar() -> None:
    given = ["seed=range(0,8)", "tune.optimizer.lr=choice(0.0025,0.005,1e-2)", "tune.optimizer.weight_decay=range(1,3)"]
    assert gathered(given) == [
        "seed=range(0,8)",
        "tune={optimizer.lr:[0.0025,0.005,0.01],optimizer.weight_decay:[1,2]}",
    ]
    composed = configure(gathered(["tune.optimizer.lr=0.1,0.2"])[0])
    assert composed.plain["tune"] == {"optimizer.lr": [0.1, 0.2]}
    assert composed.id == configure().id
    both = read({"optimizer.lr": [0.01, 0.005], "optimizer.weight_decay": [0, 0.1]})
    assert [axis.values for axis in both.axes] == [(0.005, 0.01), (0, 0.1)]
    assert both.tuning_jobs(0, (0.01, 0.1))[0][:3] == [
        "decoder=resize",
        "optimizer.lr=0.01",
        "optimizer.weight_decay=0.1",
    ]
    for wrong in (["tune.a=interval(0,1)"], ["tune.a=glob(*)"], ["tune.a=1,2", "tune=[b]"]):
        with pytest.raises(ConfigError):
            gathered(wrong)


@pytest.mark.parametrize(
    ("tune", "more", "message"),
    [
        (["optimizer.lrr"], {}, r"optimizer.lrr is no value that can be tuned: did you mean optimizer.lr\?"),
        (["optimizer"], {}, "optimizer is no value that can be tuned"),
        (["seed"], {}, "seed is no value that can be tuned, as optimizer.lr is"),
        ([], {}, r"name what is tuned, as in tune=\[optimizer.lr\]"),
        ("optimizer.lr", {}, r"name what is tuned, as in tune=\[optimizer.lr\]"),
        (["optimizer.weight_decay"], {}, "optimizer.weight_decay is 0.0: say what to try"),
        (["optimizer.schedule"], {}, "optimizer.schedule is cosine: say what to try"),
        ({"optimizer.lr": ["a", "b"]}, {}, "give numbers, as in tune.optimizer.lr=choice"),
        ({"optimizer.lr": [0.1, float("nan")]}, {}, "give numbers, as in tune.optimizer.lr=choice"),
        ({"optimizer.lr": [0.1, float("inf")]}, {}, "give numbers, as in tune.optimizer.lr=choice"),
        ({"optimizer.lr": [-0.1, 0.1]}, {}, "tune.optimizer.lr: optimizer.lr=-0.1: input should be greater than"),
        ({"optimizer.lr": [0, 0.1]}, {}, "optimizer.lr=0: input should be greater than"),
        ({"data.batch_size": [16, 0.5]}, {}, "data.batch_size=0.5: input should be a valid integer"),
        (["data.num_workers"], {}, "data.num_workers is no value that can be tuned"),
        ({"channels": [4, 8]}, {}, "channels=4: input should be a valid array; say what to try"),
        ({"optimizer.lr": [0.1, 1]}, {"jobs": (["optimizer.lr=0.2"],)}, "optimizer.lr=0.2 has no effect"),
        ({"optimizer.lr": [0.1]}, {}, "tuned over one value: give two or more"),
        (["optimizer.lr"], {"jobs": (["optimizer.lr=0.1"], ["optimizer.lr=0.2"])}, "optimizer.lr is tuned and swept"),
        (
            ["optimizer.lr"],
            {"jobs": (["optimizer=adam"], ["optimizer=sgd"])},
            "is 0.005 or 0.1: give the values for all",
        ),
        (["optimizer.lr"], {"seeds": ("1", "1001")}, "seed 1001 is reported and tuned on: give other tuning.seeds"),
        (["optimizer.lr"], {"own": []}, r"tuning.seeds=\[\]: give seeds to tune on"),
        (["optimizer.lr"], {"own": [7, 7]}, "each once"),
        (["optimizer.lr"], {"metric": "test/mse"}, "tune by the validation images"),
        (["optimizer.lr"], {"extensions": -1}, "tuning.extensions=-1"),
    ],
)
def test_what_cannot_be_tuned_is_refused_in_a_sentence(tune: Any, more: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as refused:
        read(tune, **more)
    assert "\n" not in str(refused.value)


def test_budgets_are_lengths_of_runs_of_their_own() -> None:
    assert of_budgets(None, ["trainer.max_epochs=2"]) == []
    overrides = of_budgets([250, 1250], ["decoder=resize"])
    assert overrides == [
        "trainer.max_steps=250,1250", "trainer.max_epochs=-1", "trainer.check_val_every_n_epoch=1000000000",
    ]  # fmt: skip
    trainer = configure("trainer.max_steps=250", *overrides[1:]).plain["trainer"]
    assert (trainer["max_steps"], trainer["max_epochs"], trainer["check_val_every_n_epoch"]) == (250, -1, 10**9)
    for budgets, given, message in (
        ([], [], "give numbers of steps"), ([5, 5], [], "each once"), ([0], [], "budgets"), ("many", [], "budgets"),
        ([250], ["trainer.max_epochs=3"], "trainer.max_epochs and budgets= both say how long a run is"),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=message):
            of_budgets(budgets, given)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tune=[optimizer.lr]"], "tune= is about many runs: start a sweep with -m"),
        (["tune.optimizer.lr=0.1,0.2"], "tune= is about many runs: start a sweep with -m"),
        (["budgets=[10,20]"], "budgets= is about many runs: start a sweep with -m"),
        (["-m", "tune=[optimizer.lr]", "seed=1000"], "seed 1000 is reported and tuned on"),
        (["search=optuna", "tune=[optimizer.lr]"], "leave out tune= and budgets="),
    ],
)
def test_the_command_refuses_at_once(tmp_path: Any, arguments: list[str], message: str) -> None:
    done = run_command("train.py", *arguments, f"hydra.run.dir={tmp_path / 'a'}", f"hydra.sweep.dir={tmp_path / 'a'}")
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "a").exists()


def test_a_tuned_sweep_has_a_name_of_its_own_and_always_the_same() -> None:
    plain = sweep_name(["decoder=resize,transpose", "seed=range(0,8)"])
    tuned = [
        sweep_name(["decoder=resize,transpose", "seed=range(0,8)", more])
        for more in ("tune=[optimizer.lr]", "budgets=[1,2]")
    ]
    assert len({plain, *tuned}) == 3
    assert tuned[0] == sweep_name(["tune=[optimizer.lr]", "decoder=resize,transpose", "seed=range(0,8)", "logger=none"])


@pytest.mark.parametrize(
    ("earlier", "tuned", "reported", "says"),
    [
        (["seed=0", "seed=1"], ["0", "1"], ["5"], "seed 0 is reported by an earlier .* other tuning.seeds, or the"),
        (["decoder=resize"], ["3"], ["5"], "seed 3 is reported by an earlier"),  # as it was configured
        (["seed=1000 reported=false"], [], ["1001", "1000"], "seed 1000 was tuned on .*: give other seeds, or the"),
        (["reported=false"], [], ["3"], "seed 3 was tuned on by an earlier command"),
        (["seed=7 reported=false", "seed=0"], ["6"], ["7"], "seed 7 was tuned on"),
        (["seed=7 reported=false", "seed=0"], ["7"], ["0", "1"], ""),
        (["seed=0", "seed=1"], [], ["1", "2"], ""),
        ([], ["7"], ["0"], ""),
    ],
)
def test_no_seed_is_tuned_on_by_one_command_of_a_sweep_and_reported_by_another(
    tmp_path: Path, earlier: list[str], tuned: list[str], reported: list[str], says: str
) -> None:
    jobs = {f"{i:08x}": {"overrides": job.split()} for i, job in enumerate(earlier)}
    write_json(tmp_path / "sweep.json", {"format": FORMAT, "name": "s", "invocations": [], "jobs": jobs})
    for job in jobs:
        (tmp_path / job).mkdir()
        write_json(tmp_path / job / "summary.json", {"format": FORMAT, "status": "failed", "seed": 3})
    if says:
        with pytest.raises(ConfigError, match=says):
            refuse_shared_seeds(tmp_path, tuned, reported)
    else:
        refuse_shared_seeds(tmp_path, tuned, reported)


def test_a_command_is_held_against_those_before_it(tmp_path: Path) -> None:
    def planned(*words: str) -> None:
        application = Application(CONF, "train", ["-m", f"hydra.sweep.dir={tmp_path}", "sweep=s", *words])
        plan(application, named(application), [])

    planned("seed=0,1")
    with pytest.raises(ConfigError, match="seed 0 is reported by an earlier command"):
        planned("tune.optimizer.lr=choice(0.01,0.02)", "tuning.seeds=[0]", "seed=5")
    assert len(read_sweep(tmp_path)["invocations"]) == 1
