"""The parts of `examples/mylab`, against the checks and in one run."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir

import hourglass
from helpers.project import CONF, ROOT, TINY, run_command
from hourglass import testing
from hourglass.cli.evaluate import main as evaluate
from hourglass.config.configuration import Configuration
from hourglass.config.parts import Parts
from hourglass.core.errors import ConfigError

MYLAB = ROOT / "examples" / "mylab"
SEARCH = "hydra.searchpath=[pkg://mylab.conf]"


@pytest.fixture(scope="module", autouse=True)
def mylab() -> Iterator[None]:
    sys.path.insert(0, str(MYLAB))
    yield
    sys.path.remove(str(MYLAB))
    for name in [name for name in sys.modules if name.split(".")[0] == "mylab"]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def configuration(mylab: None) -> Configuration:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return Configuration.of(compose("train", [SEARCH, "experiment=mylab"]))


@pytest.mark.parametrize(
    ("check", "part"),
    [
        ("source", lambda parts: lambda: parts.data.source),
        ("corruption", lambda parts: lambda: parts.data.corruption),
        ("down", lambda parts: lambda *a: parts.encoder.keywords["down"](*a, factor=2, init="matched")),
        ("up", lambda parts: lambda *a: parts.decoder.keywords["up"](*a, factor=2, init="matched")),
        ("encoder", lambda parts: parts.encoder),
        ("decoder", lambda parts: parts.decoder),
        ("latent", lambda parts: parts.latent),
        ("loss", lambda parts: lambda: Parts(parts.configuration).loss),
        ("metric", lambda parts: parts.metrics["edge_error"]),
    ],
)
def test_every_part_passes_its_check(configuration: Configuration, check: str, part: Any) -> None:
    getattr(testing, f"check_{check}")(part(Parts(configuration)))


def test_a_class_is_about_twenty_lines() -> None:
    for path in MYLAB.rglob("*.yaml"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 12, path
    for path in MYLAB.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for code in text.split("\nclass ")[1:]:
            assert len(code.rstrip().splitlines()) <= 26, path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with every part of mylab, in a folder with a space in its name."""
    folder = tmp_path_factory.mktemp("runs") / "of my lab"
    options = [SEARCH, "experiment=mylab", f"hydra.run.dir='{folder}'", "trainer.log_every_n_steps=2", *TINY]
    done = run_command("train.py", *options, PYTHONPATH=str(MYLAB))
    assert done.returncode == 0, done.stdout + done.stderr
    (folder / "stdout").write_text(done.stdout, encoding="utf-8")
    return folder


@pytest.mark.slow
def test_what_the_parts_log_is_in_the_summary_with_its_direction_and_origin(folder: Path) -> None:
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    for name in ("test/used_levels", "val/used_levels", "train/used_levels", "test/features", "test/edge_error"):
        assert summary["metrics"][name] >= 0
    assert summary["metrics"]["test/code_std"] > 0
    directions = {name: measure["better"] for name, measure in summary["measures"].items()}
    assert directions["used_levels"] == "higher"
    assert directions["edge_error"] == "lower"
    assert directions["code_std"] is None
    assert "features" not in directions
    assert summary["versions"]["mylab"].startswith("no version")
    assert summary["effects"] == []


@pytest.mark.slow
def test_the_next_line_says_where_the_options_are(folder: Path) -> None:
    (line,) = [line for line in (folder / "stdout").read_text().splitlines() if line.startswith("  next")]
    assert f"-m '{SEARCH}' decoder=bicubic,resize experiment=mylab" in line


@pytest.mark.slow
def test_a_run_is_read_where_its_package_is_trusted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigError, match=r"trust=\[mylab\]"):
        hourglass.load_run(folder)
    assert hourglass.load_run(folder, trust=["mylab"]).image_shape == (1, 28, 28)
    evaluate([f"run={folder}", "trust=[mylab]", "accelerator=cpu"])
    (record,) = (json.loads(path.read_text()) for path in folder.glob("evaluations/*.json"))
    summary = json.loads((folder / "summary.json").read_text())
    for name in ("test/mse", "test/edge_error", "test/features", "test/used_levels"):
        assert record["metrics"][name] == pytest.approx(summary["metrics"][name], rel=1e-5)
    assert "mylab" in record["versions"]
