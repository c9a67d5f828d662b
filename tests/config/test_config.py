"""The `conf/` folder against the code: every option builds, every key is typed, every mistake is refused."""

import json
from copy import deepcopy
from pathlib import Path

import pytest
import yaml
from omegaconf import OmegaConf

from helpers.project import CONF, TINY, configure, options, run_command
from hourglass.config import identity as ids
from hourglass.config import overrides
from hourglass.config import validation as checks
from hourglass.core.errors import ConfigError, HourglassError
from hourglass.runs import build

GROUPS = ("model", "encoder", "latent", "decoder", "data", "corruption", "loss", "optimizer", "trainer", "callbacks")
EVERY_OPTION = [f"{group}={option}" for group in (*GROUPS, "logger", "experiment") for option in options(group)]


@pytest.mark.parametrize("choice", EVERY_OPTION)
def test_every_option_composes_and_its_keys_fit_the_signature(choice: str) -> None:
    config = configure(choice)
    for path in ("encoder", "latent", "decoder", "model", "data", "corruption", "loss", "optimizer", "trainer"):
        assert build.part(config, path) is not None  # `part` refuses a key that nothing takes and a value out of type
    assert all(build.callbacks(config))
    for name in config.logger or {}:
        build.part(config, f"logger.{name}")


def test_no_option_is_without_a_file_and_no_file_without_a_target() -> None:
    """A preset chooses among files; every other file names what it builds, by itself or through its base."""
    for path in CONF.rglob("*.yaml"):
        text = path.read_text()
        assert yaml.safe_load(text) is not None or path.parent.name == "logger", path
        if path.parent.name not in ("conf", "hydra", "logger", "local", "search"):
            assert "_target_" in text or "defaults:" in text, path


def test_same_default_never_stands_in_yaml_and_in_python() -> None:
    """Values live in YAML: what YAML configures has no default in the signature."""
    for choice in EVERY_OPTION:
        group = choice.split("=")[0]
        if group not in ("logger", "experiment", "trainer", "callbacks"):
            assert_no_defaults(OmegaConf.to_container(configure(choice)[group], resolve=True), group)


def assert_no_defaults(node: dict, path: str) -> None:
    import inspect

    from hydra.utils import get_object

    parameters = inspect.signature(get_object(node["_target_"])).parameters
    for key, value in node.items():
        if isinstance(value, dict) and "_target_" in value:
            assert_no_defaults(value, f"{path}.{key}")
        if key in parameters:
            assert parameters[key].default is inspect.Parameter.empty, f"{path}.{key} has two defaults"


@pytest.mark.parametrize(
    ("override", "part", "message"),
    [
        ("optimizer.lr=abc", "optimizer", "optimizer.lr=abc: input should be a valid number"),
        ("optimizer.lr=nan", "optimizer", "optimizer.lr=nan: input should be a finite number"),
        ("optimizer.lr=0", "optimizer", "optimizer.lr=0: input should be greater than 0"),
        ("optimizer.lr=true", "optimizer", "optimizer.lr=True: input should be a valid number"),
        ("optimizer.betas=[0.9]", "optimizer", "optimizer.betas"),
        ("optimizer.schedule=linear", "optimizer", "optimizer.schedule=linear: input should be 'cosine' or 'none'"),
        ("channels=[0]", "encoder", r"encoder.channels\[0\]=0: input should be greater than or equal to 1"),
        ("channels=[]", "encoder", "encoder.channels"),
        ("channels=[16,1.5]", "encoder", r"encoder.channels\[1\]=1.5: input should be a valid integer"),
        ("channels=16", "encoder", "encoder.channels=16: input should be a valid"),
        ("factor=1", "encoder", "encoder.down.factor=1: input should be greater than or equal to 2"),
        ("activation=rulu", "encoder", "encoder.activation=rulu: input should be 'relu'"),
        ("init=xavier", "encoder", "encoder.down.init=xavier: input should be 'matched' or 'default'"),
        ("seed=-1", "data", "data.seed=-1: input should be greater than or equal to 0"),
        ("seed=1.5", "data", "data.seed=1.5: input should be a valid integer"),
        ("data.batch_size=0", "data", "data.batch_size=0"),
        ("decoder.kernel_size=x", "decoder", "decoder.up.kernel_size=x: input should be a valid integer"),
        ("model.output=softmax", "model", "model.output=softmax: input should be 'sigmoid' or 'identity'"),
        ("trainer.max_epochs=many", "trainer", "trainer.max_epochs=many: input should be a valid integer"),
        ("trainer.precision=13", "trainer", "trainer.precision=13"),
    ],
)
def test_values_are_typed_and_ranged(override: str, part: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build.part(configure(override), part)


def test_an_option_that_nothing_reads_is_refused() -> None:
    node = {"_target_": "x", "dim": 3, "dims": 4}

    def target(*, dim: int) -> None: ...

    with pytest.raises(ConfigError, match=r"latent.dims: .*target has no such option; it has dim"):
        checks.arguments(node, node, target, "latent")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["decoder=resiz"], "Available options in 'decoder':"),
        (["decodr=resize"], "decodr is no key of this configuration: did you mean decoder"),
        (["optimizer.lrr=1"], "did you mean optimizer.lr"),
        (["kernel_size=3"], "did you mean decoder.kernel_size"),
        (["seed=1", "seed=2"], "seed is given 2 times: give it once"),
        (["model=conv", "model=vae"], "model is given 2 times"),
        (["+width=3"], "a '+' adds a key that nothing reads"),
        (["-m", "seed=0,1", "retry=now"], "retry=now: it can be failed, diverged, incompatible or all"),
        (["-m", "seed=0,1", "sweep=a/b"], "sweep=a/b names a folder"),
        (["-m", "seed=0,1", "sweep=a,b"], "a sweep has one name, its folder"),
        (["-m", "seed=0,1", "+width=3"], "a '+' adds a key that nothing reads"),
        (["-m", "seed=0", "seed=1,2"], "seed is given 2 times: give it once"),
        (["-m", "seed=0,1", "hydra.launcher.n_jobs=2"], "choose another, such as hydra/launcher=joblib"),
        (["-m", "seed=0,1", "hydra.mode=MULTIRUN", "sweep=null"], "a sweep has one name, its folder"),
        (["hydra.mode=MULTIRUN", "seed=0,1"], "start it with -m, which makes one, or give sweep=NAME"),
        (["search=optuna", "+width=3"], "a '+' adds a key that nothing reads"),
        (["search=optuna", "retry=failed"], "a search does not try a failed trial again"),
        (["sweep=x"], "sweep= and retry= are about many runs: start a sweep with -m"),
        (["resume=nowhere", "seed=1"], "resume= continues a run as it was configured: leave out seed=1"),
    ],
)
def test_typos_are_refused_without_torch(tmp_path: Path, arguments: list[str], message: str) -> None:
    done = run_command(
        "-X", "importtime", "train.py", *arguments, f"hydra.run.dir={tmp_path}", f"hydra.sweep.dir={tmp_path}"
    )
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if not line.startswith("import time:")]
    assert message in "\n".join(lines)
    assert "Traceback" not in done.stderr
    assert len(lines) < 30
    assert "torch" not in done.stderr


@pytest.mark.parametrize("question", ["--help", "--cfg=job"])
def test_questions_are_answered_without_torch(question: str) -> None:
    done = run_command("-X", "importtime", "train.py", question)
    assert done.returncode == 0
    assert "decoder" in done.stdout
    assert "| torch" not in done.stderr


def test_the_id_is_of_what_is_computed() -> None:
    def id_of(*given: str) -> str:
        return ids.run_id(configure(*given))

    assert id_of() == id_of() == id_of("logger=none", "trainer.enable_progress_bar=false", "sweep=x")
    assert id_of("data=mnist", "data.root=/a") == id_of("data=mnist", "data.root=/b", "data.download=true")
    assert id_of("decoder=bilinear") == id_of("decoder=resize", "decoder.mode=bilinear")
    assert id_of("optimizer.weight_decay=0", "optimizer.lr=1") == id_of(
        "optimizer.weight_decay=0.0", "optimizer.lr=1.0"
    )
    others = ["seed=1", "decoder=resize", "trainer.precision=bf16-mixed", "trainer.devices=2", "channels=[16]"]
    assert len({id_of(), *map(id_of, others)}) == 1 + len(others)


def test_a_foreign_run_folder_runs_nothing(tmp_path) -> None:
    folder = tmp_path / ".hydra"
    folder.mkdir()
    for name in ("torch.load", "hourglass.runs.build.torch.load", "os.system", "hourglass.data.Path"):
        config = deepcopy(configure())
        config.encoder._target_ = name
        OmegaConf.save(config, folder / "config.yaml")
        with pytest.raises(ConfigError, match="is not a part of hourglass, nor named in conf/; nothing was run"):
            build.load_run(tmp_path)
    config = deepcopy(configure())
    config.encoder.activation = "${oc.env:HOME}"
    OmegaConf.save(config, folder / "config.yaml")
    with pytest.raises(HourglassError, match="nothing was run"):
        build.load_run(tmp_path)


@pytest.mark.slow
def test_a_run_is_continued_only_as_it_was_configured(tmp_path: Path) -> None:
    """And a folder whose run was killed before it wrote anything belongs to its configuration all the same."""
    folder = tmp_path / "run"
    config = configure(*TINY, "seed=3")
    (folder / ".hydra").mkdir(parents=True)
    OmegaConf.save(ids.settled(config), folder / ".hydra" / "config.yaml")
    done = run_command("train.py", f"hydra.run.dir={folder}", *TINY, "seed=4")
    assert done.returncode == 1
    assert f"holds run {ids.run_id(config)}, this is" in done.stderr
    summary = {"id": ids.run_id(config), "status": "interrupted", "choices": {}, "overrides": [], "sweep": None}
    (folder / "summary.json").write_text(json.dumps(summary))
    text = (folder / ".hydra" / "config.yaml").read_text()
    (folder / ".hydra" / "config.yaml").write_text(text.replace("seed: 3", "seed: 5"))
    done = run_command("train.py", f"resume={folder}")
    assert "was changed since the run began" in done.stderr
    (tmp_path / "sweep.json").write_text("{}")
    done = run_command("train.py", f"resume={tmp_path}")
    assert "is a sweep: give its command again" in done.stderr


def test_what_only_this_machine_can_answer_is_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PICTURES", "/somewhere")
    config = configure("data=mnist", "data.root=${oc.env:PICTURES}/mnist")
    kept = ids.settled(config)
    assert OmegaConf.to_container(kept)["data"]["root"] == "/somewhere/mnist"
    assert OmegaConf.to_container(kept)["encoder"]["channels"] == "${channels}"
    assert ids.run_id(kept) == ids.run_id(config)
    build.refuse_foreign_code(OmegaConf.to_container(kept), Path("config.yaml"))


def test_a_foreign_callback_is_not_built_when_a_run_is_continued() -> None:
    config: dict = OmegaConf.to_container(configure())  # type: ignore[assignment]
    build.refuse_foreign_code(config, Path("config.yaml"))
    config["callbacks"]["evil"] = {"_target_": "shutil.copyfile", "src": "a", "dst": "b"}
    with pytest.raises(ConfigError, match=r"config.callbacks.evil._target_=shutil.copyfile is not a part of hourglass"):
        build.refuse_foreign_code(config, Path("config.yaml"))


def test_options_of_lightning_that_we_do_not_name_can_be_added() -> None:
    overrides.refuse_careless(["+trainer.val_check_interval=0.5"])
    config = configure("+trainer.val_check_interval=0.5", "trainer.accelerator=cpu")
    assert build.part(config, "trainer").keywords["val_check_interval"] == 0.5
    with pytest.raises(ConfigError, match="Trainer has no such option"):
        build.part(configure("+trainer.val_check_intervall=0.5"), "trainer")
