"""Mistakes that a configuration already shows are refused before the first run of a sweep."""

from pathlib import Path

import pytest

from helpers.project import CONF, ROOT, configure
from hourglass.cli.planning.dry_run import dry_run
from hourglass.cli.planning.jobs import named
from hourglass.cli.planning.measured import measures, not_measured
from hourglass.cli.sweep import plan
from hourglass.core import provenance
from hourglass.core.compat.hydra import Application
from hourglass.core.errors import ConfigError
from hourglass.core.measures import MEASURES
from hourglass.runs.read import read_summary

SUMMARIES = sorted((ROOT / "tests/fixtures/format1").rglob("summary.json"))
TUNED = "tune.optimizer.lr=choice(0.01,0.02)"


def application(folder: Path, *words: str) -> Application:
    return Application(CONF, "train", ["-m", f"hydra.sweep.dir={folder}", "sweep=s", "logger=none", *words])


@pytest.mark.parametrize(
    ("overrides", "name", "there"),
    [
        ([], "val/mse", True), ([], "val/loss", True), ([], "test/foo", False), ([], "val/foo", False),
        ([], "val/phase_bias_2", False), ([], "gap/phase_bias_2", True), ([], "init/harmonic_peak_4", True),
        ([], "val/ms_ssim", False), (["metrics=[default,ms_ssim]"], "val/ms_ssim", True), ([], "test/ms_ssim", False),
        (["latent=wae"], "val/mmd", True), (["latent=dense"], "val/mmd", False), ([], "val/variance", False),
        (["loss=gaussian"], "val/variance", True),
        ([], "ratio/pca", True), ([], "ratio/pcb", False), ([], "cost/num_params", True), ([], "cost/params", False),
        ([], "tset/mse", False), (["+callbacks.mine={_target_: mylab.Mine}"], "test/foo", True),
    ],
)  # fmt: skip
def test_what_a_run_will_have_is_known_before(overrides: list[str], name: str, there: bool) -> None:
    assert measures(configure(*overrides).plain, name) is there


def test_all_that_runs_have_is_known_before() -> None:
    """Whatever recorded runs have, and whatever we describe."""
    plain = configure("latent=gaussian", "metrics=[default,ms_ssim]").plain
    recorded = {name for path in SUMMARIES for name in (read_summary(path.parent) or {})["metrics"]}
    assert {"val/psnr", "test/ssim"} <= recorded
    for name in [*recorded, *(f"test/{name}" for name in MEASURES)]:
        assert measures(plain, name), name


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("test/msee", "no run has a metric of this name: did you mean test/mse?"),
        ("val/psnrr", "no run has a metric of this name: did you mean val/psnr?"),
        ("test/foo", "no run has a metric of this name, such as test/mse and val/mse"),
        ("val/ms_ssim", "no run measures it: add metrics=[default,ms_ssim]"),
        ("tset/mse", "tset is no group of metrics: did you mean test?"),
        ("ratio/pcaa", "no run has a metric of this name: did you mean ratio/pca?"),
    ],
)
def test_it_says_what_there_is_instead(name: str, says: str) -> None:
    assert not_measured([configure().plain], name) == says


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["primary=test/foo"], "primary=test/foo: no run has a metric of this name"),
        (['reference="decodr=resize"'], "reference=decodr=resize: decodr is no key of .*: did you mean decoder"),
        (["latent=dense,gaussian", 'reference="latent.dmi=4"'], "latent.dmi is no key of .*: did you mean latent.dim"),
        (["match=latency"], "match=latency: input should be 'params', 'macs'"),
        (["seed=0,-1"], "seed=-1: input should be greater than or equal to 0"),
        (["match_to=100"], "match_to has no effect without match="),
        ([TUNED, "tuning.metric=val/foo"], "tuning.metric=val/foo: no run has a metric of this name"),
        (
            [TUNED, "optimizer.lr=0.02"],
            r"optimizer.lr=0.02 has no effect, as tune.optimizer.lr=choice",
        ),
    ],
)
def test_a_mistake_of_the_command_line_leaves_nothing_behind(tmp_path: Path, words: list[str], says: str) -> None:
    command = application(tmp_path / "s", *words)
    with pytest.raises(ConfigError, match=says):
        plan(command, named(command), [])
    assert not (tmp_path / "s").exists()


def test_a_commit_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "lacks", lambda commit: commit == "deadbeef")
    command = application(tmp_path / "s", "fixed=deadbeef")
    with pytest.raises(ConfigError, match="fixed=deadbeef: there is no such commit here; git log shows"):
        plan(command, named(command), [])


def test_a_dry_run_shows_the_first_round_of_tuning_and_what_follows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (TUNED, "tuning.seeds=[7,8,9]", "tuning.extensions=2", "decoder=resize,transpose", "seed=range(0,5)")
    dry_run(application(tmp_path / "s", *words))
    said = capsys.readouterr().out
    assert f"sweep s: 12 jobs to tune in {tmp_path / 's'}, of which 12 would be started" in said
    assert said.count("  planned\n") == 12
    assert "decoder=transpose optimizer.lr=0.02 seed=9" in said
    assert "then 10 reported jobs, with the value that is best for each; before them up to 24 more to tune" in said
    assert said.endswith("--dry-run: nothing was started\n")
    assert not (tmp_path / "s").exists()
