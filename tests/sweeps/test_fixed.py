"""Whether the hypotheses of a sweep were fixed before its first run, or it is exploratory."""

import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from hourglass.core import provenance
from hourglass.runs.read import read_sweep
from hourglass.sweeps import record as records
from hourglass.sweeps.declaration import standing
from hourglass.sweeps.fixed import beside
from hourglass.sweeps.record import Asked, record

COMMIT = "0123abc"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository in place of ours, with an experiment in conf and a module in src."""
    for path in ("conf/experiment/mine.yaml", "src/part.py", "README.md"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("seed: 0\nfixed: null\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "hypotheses")
    monkeypatch.setattr(provenance, "_git", partial(provenance._git, folder=tmp_path))
    return tmp_path


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    done = subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_a_checkout_tells_what_has_changed_since_a_commit(checkout: Path) -> None:
    commit = git(checkout, "rev-parse", "--short", "HEAD")
    experiment, part = checkout / "conf/experiment/mine.yaml", checkout / "src/part.py"
    assert provenance.changed_since(commit) == []
    experiment.write_text(f'seed: 0\nfixed: "{commit}"\n')
    (checkout / "README.md").write_text("said otherwise\n")
    assert provenance.changed_since(commit) == []
    git(checkout, "commit", "-qam", "fixed")
    assert provenance.changed_since(commit) == []
    experiment.write_text(f'seed: 1\nfixed: "{commit}"\n')
    part.write_text("changed\n")
    (checkout / "src" / "more.py").write_text("new\n")
    everything = ["conf/experiment/mine.yaml", "src/part.py", "src/more.py"]
    assert provenance.changed_since(commit) == everything
    git(checkout, "add", ".")
    git(checkout, "commit", "-qm", "after a look")
    assert sorted(provenance.changed_since(commit) or []) == sorted(everything)
    assert provenance.changed_since("0" * 40) is None


def test_a_commit_is_lacking_only_where_the_whole_history_is_there(checkout: Path, tmp_path_factory: Any) -> None:
    commit = git(checkout, "rev-parse", "HEAD")
    assert [provenance.lacks(one) for one in (commit, commit[:7], "deadbeef", "0" * 40)] == [False, False, True, True]
    git(checkout, "commit", "-q", "--allow-empty", "-m", "more")
    shallow = tmp_path_factory.mktemp("shallow")
    git(shallow, "clone", "-q", "--depth=1", f"file://{checkout}", "here")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(provenance, "_git", partial(provenance._git.func, folder=shallow / "here"))  # type: ignore[attr-defined]
        assert not provenance.lacks(commit)
        patch.setattr(provenance, "IN_CHECKOUT", False)
        assert not provenance.lacks("deadbeef")


def test_it_is_recorded_with_each_command(checkout: Path) -> None:
    commit = git(checkout, "rev-parse", "HEAD")
    folder = checkout / "sweep"
    folder.mkdir()
    jobs = {"0123abcd": ["seed=0"]}
    for _ in range(2):
        record(folder, Asked(["train"], ["experiment=mine"], jobs, {"fixed": commit}))
        (checkout / "src/part.py").write_text("changed\n")
    first, second = read_sweep(folder)["invocations"]
    assert (first["changed_since_fixed"], second["changed_since_fixed"]) == ([], ["src/part.py"])
    assert standing([first]).startswith(f"Its hypotheses were fixed at commit {commit}, before the first run")
    assert standing([first, second]) == f"Exploratory: src/part.py had changed since commit {commit}."
    assert first["beside_fixed"] == []


GLOBAL = "# @package _global_\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", False), (GLOBAL, False), ("# @package data\nroot: /there\n", False),
        (f"{GLOBAL}baselines: /scratch\nlogger: null\nhydra: {{launcher: {{n_jobs: 2}}}}\n", False),
        (f"{GLOBAL}data: {{root: /there, num_workers: 4}}\ntrainer: {{enable_progress_bar: false}}\n", False),
        (f"{GLOBAL}defaults: [_self_, override /logger: none, override /hydra/launcher: joblib]\n", False),
        (f"{GLOBAL}seed: 1\n", True), ("# @package optimizer\nlr: 1\n", True),
        (f"{GLOBAL}optimizer: {{lr: 0.1}}\n", True), (f"{GLOBAL}data: {{root: /there, batch_size: 4}}\n", True),
        (f"{GLOBAL}defaults: [override /optimizer: sgd]\n", True), (f"{GLOBAL}defaults: [mine]\n", True),
        (f"{GLOBAL}hydra: {{sweeper: {{params: {{seed: 1}}}}}}\n", True), (f"{GLOBAL}primary: test/ssim\n", True),
        (f"{GLOBAL}tuning: {{seeds: [1]}}\n", True), ("seed: 1\n", True),
    ],
)  # fmt: skip
def test_what_a_machine_sets_for_itself_differs_from_every_commit(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, text: str, told: bool
) -> None:
    """Where it makes runs others, or other ones: git ignores the file."""
    commit, file = git(checkout, "rev-parse", "HEAD"), checkout / "conf/local/default.yaml"
    (checkout / ".gitignore").write_text("/conf/local/*\n")
    file.parent.mkdir()
    file.write_text(text)
    (checkout / "sweep").mkdir()
    monkeypatch.setattr(records, "CONF", checkout / "conf")
    record(checkout / "sweep", Asked(["train"], ["experiment=mine"], {}, {"fixed": commit}))
    invocations = read_sweep(checkout / "sweep")["invocations"]
    assert invocations[0]["changed_since_fixed"] == (["conf/local/default.yaml"] if told else [])
    assert standing(invocations).startswith("Exploratory: conf/local/default.yaml had changed" if told else "Its hyp")


NAMED = """# python train.py -m experiment=mine data=emoji 'budgets=[500]'
# python train.py -m experiment=mine 'equivalent_within=10 %'      it's prose that no shell takes: experiment=mine
# python train.py -m experiment=mine 'equivalent_within=20 %'
seed: 0
"""


@pytest.mark.parametrize(
    ("words", "elsewhere", "told"),
    [
        (["experiment=mine"], [], []),
        (["experiment=mine", "sweep=x", "logger=csv", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2"], [], []),
        (["budgets=[500]", "experiment=mine", "data=emoji", "fixed='0123abc'"], [], []),
        (["experiment=mine", "data=photos"], [], ["data=photos"]),
        (["experiment=mine", "data=emoji", "seed=range(9)"], [], ["seed=range(9)"]),
        (["experiment=mine", "primary=test/ssim"], [], ["primary=test/ssim"]),
        (["experiment=mine", "tune=null", "optimizer.lr=1"], [], ["tune=null", "optimizer.lr=1"]),
        (["experiment=mine", "hydra.sweeper.params.seed=1"], [], ["hydra.sweeper.params.seed=1"]),
        (["experiment=mine", "hydra.sweep.dir=/there", "data.root=/there", "seed=1"], [], ["seed=1"]),
        (["experiment=mine"], ["--config-dir", "/there"], ["--config-dir", "/there"]),
        (["experiment=mine", "search=optuna"], [], ["search=optuna"]),
        (["experiment=mine", "equivalent_within=20 %"], [], []),
        (["experiment=other"], [], None),
        (["experiment=mine,other"], [], None),
        (["decoder=resize,transpose"], [], None),
    ],
)
def test_a_command_is_held_against_the_experiment_that_a_commit_has(
    checkout: Path, words: list[str], elsewhere: list[str], told: list[str] | None
) -> None:
    file = checkout / "conf/experiment/mine.yaml"
    file.write_text(NAMED)
    git(checkout, "commit", "-qam", "named")
    commit = git(checkout, "rev-parse", "HEAD")
    file.write_text("# python train.py -m experiment=mine data=photos seed=range(9)\n")  # too late
    assert beside(commit, words, elsewhere) == told


GOOD = {"declared": {"fixed": COMMIT, "primary": "test/mse"}, "jobs": ["a", "b"], "changed_since_fixed": []}
TUNED = {"tuning": {"keys": ["optimizer.lr"]}, "overrides": ["seed=0", "retry=failed"]}  # its jobs follow from results
OTHERS = {"declared": GOOD["declared"] | {"primary": "test/ssim"}}


@pytest.mark.parametrize(
    ("invocations", "says"),
    [
        ([], "Exploratory: no commit is declared (fixed=) at which its hypotheses were fixed."),
        ([{}], "Exploratory: no commit is declared (fixed=) at which its hypotheses were fixed."),
        ([GOOD, GOOD | {"jobs": ["b", "a"]}], "Its hypotheses were fixed at commit 0123abc, before the first run"),
        ([GOOD, GOOD | {"jobs": ["a", "b", "c"]}], "Exploratory: its commands planned different jobs."),
        (
            [GOOD | TUNED | {"jobs": ["a"]}, GOOD | TUNED],
            "Its hypotheses were fixed at commit 0123abc, before the first",
        ),
        ([GOOD | TUNED, GOOD | TUNED | {"overrides": ["seed=1"]}], "Exploratory: its commands planned different jobs."),
        (
            [GOOD | {"beside_fixed": [], "jobs": ["a"]}, GOOD | {"beside_fixed": [], "jobs": ["b"]}],
            f"Its hypotheses were fixed at commit {COMMIT}, before the first run: neither src nor conf had changed "
            "since, and its file names every command.",
        ),
        (
            [GOOD | {"beside_fixed": [], "jobs": ["a"]}, GOOD | {"jobs": ["b"]}],
            "Exploratory: its commands planned different jobs.",
        ),
        ([GOOD | OTHERS, GOOD], "Exploratory: what is declared changed between its commands."),
        ([GOOD | {"changed_since_fixed": None}], "Exploratory: what had changed since commit 0123abc is not known"),
        ([GOOD | {"beside_fixed": []}], "Its hypotheses were fixed at commit 0123abc"),
        ([GOOD | {"beside_fixed": None}], "Exploratory: commit 0123abc has no file of an experiment that it follows."),
        (
            [GOOD | {"beside_fixed": ["data=x"]}, GOOD | {"beside_fixed": ["seed=1"]}],
            "Exploratory: its command gave data=x, seed=1, which the experiment's file does not name.",
        ),
        (
            [GOOD | {"changed_since_fixed": ["a", "b", "c", "d"]}, GOOD | {"jobs": []}],
            "Exploratory: its commands planned different jobs; a, b, c and 1 more had changed since commit 0123abc.",
        ),
    ],
)
def test_what_is_exploratory(invocations: list[dict[str, Any]], says: str) -> None:
    assert standing(invocations).startswith(says)
