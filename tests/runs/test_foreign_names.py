"""What lies in a folder of somebody else and is no file of it: links that lead out, pipes, what is far too large."""

import itertools
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import hourglass
from helpers.project import configure
from helpers.sweep_folders import jobs, make
from helpers.untrained_runs import untrained_run
from hourglass.cli.evaluate import main as evaluate
from hourglass.cli.train import resume
from hourglass.config.configuration import Configuration
from hourglass.config.parts import Parts
from hourglass.core.errors import ConfigError, DataError, Torn
from hourglass.core.files import replacing
from hourglass.core.processes.locks import is_locked, lock
from hourglass.report.reading import runs
from hourglass.runs.read import LARGEST, read_configuration
from hourglass.runs.status import status_of

FILES = (
    "summary.json", ".hydra/config.yaml", "metrics.csv", "times.csv", "spectra.csv", "examples.npz",
    "evaluations/00000001.json",
)  # fmt: skip


def to_outside(path: Path) -> None:
    secret = path.parents[len(path.parents) - 3] / "secret"
    path.symlink_to(secret.absolute())


def huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 33)


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    return make(tmp_path / "sweep", ("decoder=transpose", "decoder=resize"), seeds=[0])


@pytest.mark.parametrize("put", [to_outside, os.mkfifo, Path.mkdir, huge], ids=["link", "pipe", "folder", "huge"])
@pytest.mark.parametrize("name", FILES)
def test_the_report_names_it_and_shows_the_others(sweep: Path, name: str, put: Callable[[Path], None]) -> None:
    one, two = jobs(sweep)
    path = one / name
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    put(path)
    read = runs.read(sweep)
    assert two.name in {run.id for run in read.runs}
    (problem,) = read.others
    assert problem.status == "torn"
    assert str(path) in problem.reason


def test_a_run_that_is_a_link_to_another_place_is_left_out(sweep: Path, tmp_path: Path) -> None:
    outside = untrained_run(tmp_path / "outside", "model=linear")
    (sweep / "00000000").symlink_to(outside)
    read = runs.read(sweep)
    assert [problem.reason for problem in read.others] == [
        f"{sweep / '00000000'} leads out of {sweep}: nothing was read or written there"
    ]
    for job in jobs(sweep):
        (job / "summary.json").unlink()
    with pytest.raises(DataError, match=r"00000000, torn: .* leads out of"):
        evaluate([f"run={sweep}", "accelerator=cpu"])
    assert not (outside / "evaluations").exists()


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    run, outside = untrained_run(tmp_path / "run", "model=linear"), tmp_path / "outside"
    outside.mkdir()
    (run / "evaluations").symlink_to(outside)
    with pytest.raises(DataError, match=r"evaluations.* leads out of"):
        evaluate([f"run={run}", "accelerator=cpu"])
    with pytest.raises(Torn, match="evaluations leads out of"):
        resume(run, [])
    assert list(outside.iterdir()) == []
    (run / "evaluations").unlink()
    os.mkfifo(run / "train.log")
    with pytest.raises(Torn, match=r"train\.log is no regular file"):
        resume(run, [])


def test_what_is_written_has_a_name_that_nobody_knows(tmp_path: Path) -> None:
    victim, path = tmp_path / "victim", tmp_path / "report.md"
    victim.write_text("precious")
    (tmp_path / ".report.md.tmp").symlink_to(victim)
    path.symlink_to(victim)
    with replacing(path) as partial:
        partial.write_text("new")
    assert (victim.read_text(), path.read_text(), path.is_symlink()) == ("precious", "new", False)


def test_a_lock_is_no_link_and_no_pipe(tmp_path: Path) -> None:
    (tmp_path / ".lock").symlink_to(tmp_path / "victim")
    assert not is_locked(tmp_path / ".lock")
    with pytest.raises(OSError, match="symbolic links"), lock(tmp_path / ".lock", 0.1):
        pass
    assert not (tmp_path / "victim").exists()
    (tmp_path / ".lock").unlink()
    os.mkfifo(tmp_path / ".lock")
    assert status_of(tmp_path) == "planned"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: " + "[" * 10_000, "exceeded maximum nesting depth"),
        ("- " * 10_000, "nested deeper than"),
        ("x" * LARGEST + "y", "are read at most"),
        ("a: !!binary aGVsbG8=", "is no text and no number"),
        ("a: 2020-01-01", "is no text and no number"),
        (f"a: {'9' * 30}", "is no text and no number"),
        ("3: a", "the key 3 is no word"),
        ("a: ${b}\nb: ${a}", "refers to itself"),
        ("a: ${nowhere}", "nowhere"),
        ("a: ${b.c}\nb: ${d}\nd: {c: 1}", "goes through another reference"),
        ("".join(f"a{i}: ${{a{i + 1}}}${{a{i + 1}}}\n" for i in range(40)) + "a40: x", "grows to more than"),
        ("".join(f"a{i}: ['${{a{i + 1}}}', '${{a{i + 1}}}']\n" for i in range(40)) + "a40: [x]", "grows to more than"),
    ],
    ids=itertools.count(),
)  # fmt: skip
def test_a_configuration_that_would_grow_or_holds_no_values_is_not_read(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / ".hydra").mkdir()
    (tmp_path / ".hydra" / "config.yaml").write_text(text)
    with pytest.raises((Torn, ConfigError), match=reason):
        read_configuration(tmp_path)


# Parts of other packages


@pytest.fixture
def mylab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package that says so when it is imported, and imports `os` itself."""
    (tmp_path / "mylab.py").write_text(
        "import os\nfrom hourglass.training import MSE as Borrowed\nclass Loss(Borrowed):\n    pass\n_hidden = Loss\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield "mylab"
    sys.modules.pop("mylab", None)


def of(target: str, *trust: str) -> Parts:
    return Parts(Configuration(configure().with_values({"loss._target_": target}).written, trust=trust))


def test_parts_of_a_trusted_package_load_and_nothing_else_of_it(mylab: str) -> None:
    with pytest.raises(ConfigError, match=r"nothing was run. If you trust that package .*trust=\[mylab\]"):
        of("mylab.Loss").loss  # noqa: B018
    assert "mylab" not in sys.modules
    assert type(of("mylab.Loss", "mylab").loss).__name__ == "Loss"
    for target in ("mylab.os.system", "mylab.Borrowed", "mylab.os", "mylab._hidden", "mylab.Loss.__init__"):
        with pytest.raises(ConfigError, match="nothing was run"):
            of(target, "mylab").loss  # noqa: B018
    for target in ("os.system", "hourglass.core.provenance._git", "hourglass.load_run", "other.Loss"):
        with pytest.raises(ConfigError, match="is no part of hourglass that belongs there"):
            of(target, "mylab", "os", "hourglass").loss  # noqa: B018


@pytest.mark.parametrize("trust", ["mylab", ["a b"], [3], ["../x"]])
def test_trust_is_a_list_of_packages(tmp_path: Path, trust: object) -> None:
    with pytest.raises(ConfigError, match=r"name the packages whose parts may be loaded, as in trust=\[mylab\]"):
        read_configuration(tmp_path, trust)  # type: ignore[arg-type]


def test_a_run_of_another_package_is_loaded_where_it_is_trusted(tmp_path: Path, mylab: str) -> None:
    run = untrained_run(tmp_path / "run", "model=linear", "loss={_target_: mylab.Loss}")
    assert hourglass.load_run(run) is not None  # which needs no loss
    with pytest.raises(DataError, match=r"loss\._target_=mylab\.Loss is no part .*trust=\[mylab\]"):
        evaluate([f"run={run}", "accelerator=cpu"])
