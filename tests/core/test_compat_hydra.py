"""Hydra is still what we rely on: our applications do, and plan, what `@hydra.main` would launch."""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from helpers.project import CONF, run_command
from hourglass.config.compose import register_resolvers
from hourglass.config.configuration import Configuration
from hourglass.core.compat.hydra import Application, Jobs, compose_sweep, jobs_of_sweep
from hourglass.core.errors import ConfigError

FILES = {
    "conf/main.yaml": "defaults: [_self_, {op: a}, {preset: null}]\nx: 1\nw: ${x}\n",
    "conf/other.yaml": "defaults: [_self_, {op: b}]\nx: 5\n",
    "conf/op/a.yaml": "name: a\nsize: 1\n",
    "conf/op/b.yaml": "name: b\nsize: 2\n",
    "conf/preset/grid.yaml": "# @package _global_\nx: 7\nhydra: {sweeper: {params: {x: 'range(0,2)', op: 'a,b'}}}\n",
    "more/op/c.yaml": "name: c\nsize: 3\n",
    "elsewhere/main.yaml": "size: 0\n",
    "app.py": """
import json, hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

@hydra.main(version_base="1.3", config_path="conf", config_name="main")
def main(config):
    print(json.dumps([list(HydraConfig.get().overrides.task), OmegaConf.to_container(config, resolve=True)]))

main()
""",
}
SWEEPS = [
    ["x=1,2", "op=a,b"],
    ["x=range(0,3)", "op.size=4"],
    ["preset=grid"],
    ["preset=grid", "x=5,6"],  # the command line wins
    ["--config-dir=more", "op=c,a", "+z=choice(a,b)"],
    ["op=a,c", "hydra.searchpath=[file://more]"],
    ["--config-name=other", "x=8,9"],
    ["--config-path=elsewhere", "size=1,2"],
]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    app = tmp_path_factory.mktemp("app")
    for name, text in FILES.items():
        (app / name).parent.mkdir(parents=True, exist_ok=True)
        (app / name).write_text(text, encoding="utf-8")
    return app


@pytest.fixture(autouse=True)
def _in_the_app(app: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """And what Hydra does to logging goes with the test."""
    monkeypatch.chdir(app)
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    assert not GlobalHydra.instance().is_initialized()


def application(*arguments: str) -> Application:
    return Application(Path("conf"), "main", arguments)


def plain(config: DictConfig) -> Any:
    return OmegaConf.to_container(OmegaConf.masked_copy(config, [str(k) for k in config if k != "hydra"]), resolve=True)


def planned(ours: Application) -> list[list[Any]]:
    """The overrides of each job, and what it composes to."""
    with ours.loaded() as hydra:
        sweep = compose_sweep(hydra, ours.name, ours.overrides)
        jobs = Jobs(hydra, sweep)
        return [[job, plain(jobs.compose(job))] for job in jobs_of_sweep(sweep)]


@pytest.mark.slow
@pytest.mark.parametrize("arguments", SWEEPS, ids=" ".join)
def test_what_is_planned_is_what_hydra_launches(app: Path, arguments: list[str]) -> None:
    done = run_command("app.py", "-m", *arguments, "hydra.sweep.dir=out", cwd=app)
    launched = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[[")]
    assert done.returncode == 0, done.stderr
    assert len(launched) > 1
    assert planned(application("-m", *arguments)) == launched


@pytest.mark.slow
@pytest.mark.parametrize("arguments", SWEEPS, ids=" ".join)
def test_what_runs_is_what_is_planned(arguments: list[str], tmp_path: Path) -> None:
    ran: list[Any] = []
    ours = application(
        "-m", *arguments, f"hydra.sweep.dir={tmp_path}", "hydra/job_logging=none", "hydra/hydra_logging=none"
    )
    plan = planned(ours)
    ours.run(lambda config: ran.append(plain(config)))
    assert ran == [config for _, config in plan]


def test_overrides_can_be_added_to_those_of_the_command_line(tmp_path: Path) -> None:
    ran: list[Any] = []
    ours = application("x=3", f"hydra.run.dir={tmp_path}")
    ours.run(lambda config: ran.append(plain(config)), ["op=b"])
    assert ran == [{"x": 3, "w": 3, "op": {"name": "b", "size": 2}}]
    assert (tmp_path / ".hydra" / "overrides.yaml").read_text() == "- x=3\n- op=b\n"


def test_a_job_alone_is_composed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    composed: list[Any] = []
    compose = ConfigLoaderImpl.load_configuration
    monkeypatch.setattr(ConfigLoaderImpl, "load_configuration", lambda *a, **k: composed.append(1) or compose(*a, **k))
    for run in (Application.run_once, Application.run):
        ran: list[Any] = []
        composed.append(0)
        run(application("x=3", f"hydra.run.dir={tmp_path}"), lambda config, ran=ran: ran.append(plain(config)))
        assert ran == [{"x": 3, "w": 3, "op": {"name": "a", "size": 1}}]
    assert composed == [0, 1, 0, 1, 1]  # Hydra's way has no need to: the test fails when it no longer does


@pytest.mark.parametrize(
    ("arguments", "answer", "exits"),
    [
        (["--help"], "op: a, b", True),
        (["--hydra-help"], "Flags", True),
        (["--cfg", "job"], "w: ${x}", False),
        (["--cfg", "job", "--resolve"], "w: 1", False),
        (["--info", "searchpath"], "file://", False),
        (["-sc", "query=bash"], "op=b", False),
    ],
)
def test_questions_are_answered_and_nothing_runs(
    arguments: list[str], answer: str, exits: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMP_LINE", "python app.py op=")
    ours = application(*arguments)
    assert ours.is_question
    with pytest.raises(SystemExit, check=lambda done: done.code == 0) if exits else nullcontext():
        ours.run(lambda _: pytest.fail("it ran"))
    assert answer in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["-m"], ["-r"], ["x=1"], ["--config-dir=more"]])
def test_everything_else_is_no_question(arguments: list[str]) -> None:
    ours = application(*arguments)
    assert not ours.is_question
    assert ours.overrides == [argument for argument in arguments if not argument.startswith("-")]
    assert ours.arguments.multirun is ("-m" in arguments)


def test_what_cannot_work_is_refused(tmp_path: Path) -> None:
    refused = pytest.raises(ConfigError, match=r"--config-dir: there is no folder .*nowhere")
    with refused, application("--config-dir=nowhere").loaded():
        pass
    with pytest.raises(ConfigError, match="use resume=FOLDER"):
        application(f"--experimental-rerun={tmp_path}").run(print)


def test_the_log_of_every_run_has_one_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hydra names it by the module of the task, which is another one in a sweep."""
    monkeypatch.chdir(CONF.parent)
    register_resolvers()
    ours = Application(CONF, "train", ["-m", "seed=0,1", "sweep=x"])
    with ours.loaded() as hydra:
        sweep = compose_sweep(hydra, ours.name, ours.overrides)
        assert sweep.hydra.job.name == "train"
        jobs = [hydra.config_loader.load_sweep_config(sweep, job) for job in jobs_of_sweep(sweep)]
        assert {job.hydra.job.name for job in jobs} == {"train"}


KINDS = {
    "options and seeds": ["decoder=transpose,resize", "seed=0,1"],
    "a choice, a range, a list": ["activation=choice(relu,gelu)", "blocks=range(0,2)", "channels=[8],[8,16]"],
    "a value below an option": ["corruption=gaussian,speckle", "corruption.std=0.1,0.2"],
    "an option that brings options": ["model=linear,vae", "seed=0,1"],
    "a preset of jobs": ["experiment=denoising_levels", "seed=0,1"],
    "presets": ["experiment=linear_vs_pca,dense_code", "optimizer.lr=1,0.1"],
    "several options of a group": ["logger=[tensorboard],[tensorboard,wandb]", "metrics=[default,ms_ssim]"],
    "a key taken away": ["~callbacks.examples", "~experiment", "seed=0,1"],
    "a key added, and a node": ["+trainer.profiler=simple,null", "+callbacks.x={_target_: a.B, c: [1]}", "seed=0,1"],
    "a key added anew": ["++trainer.max_epochs=1,2", "++callbacks.x.y=1"],
    "a node in place of an option": ["loss={_target_: a.B}", "seed=0,1"],
    "null": ["match=null,params", "callbacks.health=null", "optimizer.weight_decay=null"],
    "quotes": ["data=mnist", "data.root='a b','c=d'", 'activation="x,y"', "+trainer.tag='null'"],
    "resolvers": ["data=folder", "data.root=/a,/b", "+trainer.home=${oc.env:HOME}"],
    "hydra's own": ["hydra.launcher.n_jobs=2", "hydra/launcher=joblib", "hydra.job.chdir=false", "seed=0,1"],
}
QUICK = ("options and seeds", "null", "quotes")


@pytest.mark.parametrize(
    "overrides",
    [pytest.param(of_it, id=kind, marks=() if kind in QUICK else pytest.mark.slow) for kind, of_it in KINDS.items()],
)
def test_jobs_are_composed_as_hydra_composes_each(overrides: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    compared = composed_by_both(monkeypatch, overrides)
    assert len(compared) > 1
    for job, (ours, hydras) in compared.items():
        assert ours == hydras, job
        assert len(ours) == 3, ours  # no error


@pytest.mark.slow
def test_references_are_put_in_and_mistakes_are_told_as_hydra_does(monkeypatch: pytest.MonkeyPatch) -> None:
    references = [["optimizer.lr=${seed}", "seed=3"], ["optimizer.lr=${.weight_decay}"], ["optimizer.lr=${channels.0}"]]
    mistakes = [
        ["seed=1", "optimizer.nothing=1"], ["seed=1", "encoder.channels.0=4"], ["+seed=1"], ["~callbacks.nothing"],
        ["decoder=nothing", "seed=1"], ["decoder@up=resize"], ["loss={reduction: mean}"], ["seed=${nothing}"],
    ]  # fmt: skip
    compared = composed_by_both(monkeypatch, ["seed=0,1"], *references, *mistakes)
    for job, (ours, hydras) in compared.items():
        assert ours == hydras, job
        assert (len(ours) == 2) == (list(job) in mistakes), ours


def composed_by_both(monkeypatch: pytest.MonkeyPatch, overrides: list[str], *others: list[str]) -> dict[Any, Any]:
    """The jobs of a sweep, and `others` -> what we compose of each, and what Hydra does."""
    monkeypatch.chdir(CONF.parent)
    register_resolvers()
    application = Application(CONF, "train", ["-m", *overrides, "sweep=x"])
    with application.loaded() as hydra:
        sweep = compose_sweep(hydra, application.name, application.overrides)
        jobs, load = [*jobs_of_sweep(sweep), *others], hydra.config_loader.load_sweep_config
        hydras = [outcome(lambda job: load(sweep, job), job) for job in jobs]
        composer = Jobs(hydra, sweep)
        return {tuple(job): (outcome(composer.compose, job), theirs) for job, theirs in zip(jobs, hydras, strict=True)}


def outcome(compose: Callable[[list[str]], DictConfig], job: list[str]) -> Any:
    """What is composed, as written and with its id; or what is wrong with it."""
    try:
        config = compose(job)
        written = OmegaConf.to_yaml(OmegaConf.masked_copy(config, [str(k) for k in config if k != "hydra"]))
        configuration = Configuration.of(config)
        return written, configuration.written, configuration.id
    except (HydraException, OmegaConfBaseException) as error:
        return type(error), str(error)
