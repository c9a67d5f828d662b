"""What a sweep declares before its first run: what is refused, and what `sweep.json` keeps."""

import math
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir

from helpers.project import CONF
from hourglass.cli.sweep import plan
from hourglass.config.identity import OF_THE_SWEEP
from hourglass.config.overrides import parse, refuse_swept
from hourglass.core.compat.hydra import Application, jobs_of_sweep, values_of_sweep
from hourglass.core.errors import ConfigError
from hourglass.report.analysis.sign_flip import too_few_seeds
from hourglass.runs.read import read_sweep
from hourglass.sweeps.declaration import Margin, declared, parse_margin, refuse_unswept

COMMIT = "0123abc"


@pytest.mark.parametrize(
    ("text", "margin"),
    [
        ("5 %", Margin(0.05, "")), ("5%", Margin(0.05, "")), ("0.05", Margin(0.05, "")), (".5 %", Margin(0.005, "")),
        ("0.1 dB", Margin(0.1, "dB")), ("1dB", Margin(1, "dB")), ("100 %", None), ("5", None), ("0", None),
        ("0 dB", None), ("-5 %", None), ("5 db", None), ("nan", None), ("", None), ("true", None),
    ],
)  # fmt: skip
def test_a_margin_is_a_share_or_decibels(text: str, margin: Margin | None) -> None:
    if margin is not None:
        assert parse_margin(text) == margin
    else:
        with pytest.raises(ConfigError, match=f"equivalent_within={text}: give a share .* 5 % .* 0.1 dB"):
            parse_margin(text)


def test_what_is_declared_is_text_and_what_is_not_is_left_out() -> None:
    configured = {"primary": "test/mse", "equivalent_within": 0.05, "reference": None, "fixed": COMMIT, "seed": 0}
    assert declared(configured) == {"primary": "test/mse", "equivalent_within": "0.05", "fixed": COMMIT}
    assert declared({}) == {}


@pytest.mark.parametrize(
    ("configured", "says"),
    [
        ({"primary": "mse"}, "primary=mse: name it with its group, as in test/mse"),
        ({"equivalent_within": "5 %"}, "is the margin of one metric: say which, as in primary=test/mse"),
        ({"primary": "test/mse", "equivalent_within": 5}, "equivalent_within=5: give a share"),
        ({"primary": "test/phase_bias_2"}, "has no better end, .* use primary=gap/phase_bias_2, its distance from the"),
        ({"primary": "init/harmonic_peak_4"}, "has no better end, .* use primary=gap/harmonic_peak_4"),
        ({"primary": "test/harmonic_excess_2"}, "has no better end, so it can decide nothing: use primary=test/mse"),
        ({"primary": "real/phase_bias_2"}, "has no network in it"),
        ({"primary": "baseline/pca"}, "has no network in it: say primary=test/mse, or ratio/… over a baseline"),
        ({"reference": "resize"}, "reference=resize: give keys and values, as in 'reference=\"decoder=resize\"'"),
        ({"reference": "decoder="}, "reference=decoder=: give keys and values"),
        ({"primary": "test/psnr", "equivalent_within": "5 %"}, "test/psnr is in dB: say 0.1 dB"),
        ({"primary": "test/mse", "equivalent_within": "1 dB"}, "test/mse is not in dB: say 5 %"),
        ({"primary": "gap/harmonic_peak_2", "equivalent_within": "5 %"}, "is in dB: say 0.1 dB"),
        ({"tasks": "encoder.dim"}, r"tasks=encoder.dim: give a list of keys, as in tasks=\[encoder.dim\]"),
        ({"tasks": [8]}, "give a list of keys"),
        ({"fixed": "main"}, "fixed=main: give a commit"),
        ({"fixed": 1234567}, "read as the number 1234567: put the commit in quotes, as in \"fixed='12e4567'\""),
        ({"fixed": math.inf}, "read as the number Infinity: put the commit in quotes"),
        ({"fixed": "--output=x"}, "give a commit"),
    ],
)
def test_what_says_nothing_is_refused(configured: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        declared(configured)


@pytest.mark.parametrize("name", sorted(path.stem for path in (CONF / "experiment").glob("*.yaml")))
def test_every_experiment_declares_what_decides_before_it_runs(name: str) -> None:
    """A metric of which some values are better, with a margin in its unit, and what the others are held against."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        configured = compose("train", [f"experiment={name}"], return_hydra_config=True)
    if not configured.hydra.sweeper.params:
        return  # one run
    found = declared(configured)
    assert set(found) >= {"primary", "equivalent_within"}
    assert len({"reference", "tasks"} & set(found)) == 1
    if name != "grid_decay":  # its hypotheses are about thresholds
        jobs, seeds = jobs_of_sweep(configured, without=("seed",)), values_of_sweep(configured, "seed")
        assert too_few_seeds(jobs, len(seeds), found.get("reference")) == ""


def planned(folder: Path, *options: str) -> dict[str, Any]:
    """What `sweep.json` holds of a sweep that was planned."""
    words = ["-m", "seed=0,1", f"hydra.sweep.dir={folder}", "sweep=s", "logger=none", *options]
    plan(Application(CONF, "train", words), [], ["python", "train.py", *words])
    invocation: dict[str, Any] = read_sweep(folder)["invocations"][-1]
    return invocation


def test_the_command_line_of_a_sweep_declares_and_no_run_is_another_for_it(tmp_path: Path) -> None:
    options = ("primary=test/mse", "equivalent_within=5 %", 'reference="decoder=resize"')
    without, with_ = planned(tmp_path), planned(tmp_path, *options)
    assert without["declared"] == {}
    assert with_["declared"] == {"primary": "test/mse", "equivalent_within": "5 %", "reference": "decoder=resize"}
    assert with_["jobs"] == without["jobs"]
    with pytest.raises(ConfigError, match="primary=mse: name it with its group"):
        planned(tmp_path / "other", "primary=mse")
    assert not (tmp_path / "other").exists()


def test_a_task_is_a_key(tmp_path: Path) -> None:
    assert planned(tmp_path, "tasks=[latent.dim,corruption]", "latent.dim=4,8")["declared"]
    with pytest.raises(ConfigError, match=r"\[latent.dmi\]: latent.dmi is no key of .*: did you mean latent.dim"):
        planned(tmp_path, "tasks=[latent.dmi]")


def test_seeds_are_counted_with_those_of_earlier_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And a `sweep.json` that is torn is made anew, whatever is declared."""
    options = ("decoder=resize,transpose", 'reference="decoder=resize"')
    for seeds, enough in (("seed=2,3,4", False), ("seed=5,6,7", True)):
        planned(tmp_path, *options, seeds)
        assert ("no difference can be shown" in capsys.readouterr().out) is not enough
    (tmp_path / "sweep.json").write_text("{", encoding="utf-8")
    assert planned(tmp_path, *options, "seed=2,3,4")["declared"]
    assert "no difference can be shown" in capsys.readouterr().out


@pytest.mark.parametrize("budgets", ["[500]", "[250,500]"])
def test_what_budgets_set_is_not_what_the_command_gave(tmp_path: Path, budgets: str) -> None:
    kept = planned(tmp_path, f"budgets={budgets}")
    assert kept["overrides"] == shlex.split(kept["command"])[3:]


def test_an_experiment_declares_in_its_file(tmp_path: Path) -> None:
    declared = {"primary": "test/mse", "equivalent_within": "5 %", "reference": "decoder=resize"}
    assert planned(tmp_path, "experiment=checkerboard_macs", "match=null")["declared"] == declared


@pytest.mark.parametrize(
    ("reference", "fine"),
    [
        ("decoder=resize", True), ("decoder=resize, latent.dim=8", True), ("decoder=transpose", False),
        ("decoder=resize,latent.dim=16", False), ("model=conv", True), ("channels=[8, 16]", True), ("", True),
    ],
)  # fmt: skip
def test_a_reference_that_no_job_is_is_refused_before_the_first_run(reference: str, fine: bool) -> None:
    """A key that no job names, such as one that a preset chooses, cannot be told of before."""
    jobs = [["decoder=resize", "latent.dim=8", "channels=[8,16]"], ["decoder=subpixel", "latent.dim=8"]]
    if fine:
        refuse_unswept({"reference": reference}, jobs)
    else:
        with pytest.raises(ConfigError, match=r"held against .*=.*, which no job has: add it to .*, or reference=null"):
            refuse_unswept({"reference": reference}, jobs)
        earlier = [["decoder=transpose", "latent.dim=16"], ["decoder=resize", "latent.dim=16"]]  # of another command
        refuse_unswept({"reference": reference}, jobs, earlier)
        with pytest.raises(ConfigError, match=r"no job has all of that: sweep over what is missing, or say another"):
            refuse_unswept({"reference": "decoder=subpixel,latent.dim=16"}, jobs, earlier)


def test_a_sweep_with_a_reference_that_it_lacks_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="seed=7"):
        planned(tmp_path / "new", "reference='seed=7'")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("decoders", "seeds", "reference", "enough"),
    [
        (2, 5, "decoder=0", 6), (2, 6, "decoder=0", 0), (7, 7, "decoder=0", 8), (7, 8, "decoder=0", 0),
        (14, 8, "decoder=0", 10), (14, 10, "decoder=0", 0), (14, 1, None, 0), (14, 1, "latent=none", 0),
        (1, 1, "decoder=0", 0),
    ],
)  # fmt: skip
def test_a_sweep_of_too_few_seeds_says_so_before_it_runs(
    decoders: int, seeds: int, reference: str | None, enough: int
) -> None:
    """The smallest p of n pairs is 2^(1 - n), and counts as often as there are comparisons."""
    said = too_few_seeds([[f"decoder={i}"] for i in range(decoders)], seeds, reference)
    assert said.endswith(f"it takes {enough} seeds or more") if enough else said == ""
    if enough:
        assert 2 ** (1 - enough) * (decoders - 1) < 0.05 <= 2 ** (2 - enough) * (decoders - 1)


def test_the_screen_of_a_sweep_says_that_its_seeds_are_too_few(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    planned(tmp_path, "decoder=resize,transpose,bilinear", 'reference="decoder=resize"')
    said = "with 2 seeds no difference can be shown in any of the 2 comparisons with decoder=resize: it takes 7 seeds"
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    ("word", "cure"),
    [
        ("budgets=20,30", "budgets=20,30: one value is needed, give a list, as in budgets=[20,30]"),
        ("budgets=[10],[20,5]", "give a list, as in budgets=[10,20,5]"),
        ("budgets=range(1,3)", "give a list, as in budgets=[1,2]"),
        ("budgets=interval(1,3)", "budgets=interval(1,3): one value is needed, give one"),
        ("budgets=glob(*)", "budgets=glob(*): one value is needed, give one"),
        ("tune=optimizer.lr,optimizer.weight_decay", "as in tune=[optimizer.lr,optimizer.weight_decay]"),
        ("tune={optimizer.lr:[1,2]},{optimizer.lr:[3,4]}", "one value is needed, give one, as in tune={optimizer.lr:"),
        ("tuning.seeds=[5],[6]", "give a list, as in tuning.seeds=[5,6]"),
        ("tasks=latent.dim,data", "give a list, as in tasks=[latent.dim,data]"),
        ("tuning.metric=val/mse,val/ssim", "give one, as in tuning.metric=val/mse"),
        ("tuning.extensions=1,2", "give one, as in tuning.extensions=1"),
        (
            "primary=test/mse,test/ssim",
            "primary=test/mse,test/ssim: one value is needed, give one, as in primary=test/mse",
        ),
        ("equivalent_within=5%,10%", "give one, as in equivalent_within=5%"),
        ("reference=a,b", "give one, as in reference=a"),
        ("fixed=0123abc,4567def", "give one, as in fixed=0123abc"),
        ("retry=failed,all", "give one, as in retry=failed"),
        ("report=true,false", "give one, as in report=True"),
        ("sweep=a,b", "give one, as in sweep=a"),
    ],
)
def test_what_is_of_the_whole_sweep_has_one_value(word: str, cure: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(cure)):
        refuse_swept(parse([word]))
    refuse_swept(parse([f"{word.split('=')[0]}='{word}'", "decoder=resize,transpose", "seed=range(0,8)"]))


def test_every_key_of_a_sweep_is_refused_several_values() -> None:
    for key in OF_THE_SWEEP:
        with pytest.raises(ConfigError, match=rf"^{key}=a,b: one value is needed, give "):
            refuse_swept(parse([f"{key}=a,b"]))


def test_an_experiment_cannot_sweep_over_them_either(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"budgets=20,30: one value is needed, give a list, as in budgets=\[20,30\]"):
        planned(tmp_path / "new", "experiment=upsamplers", "+hydra.sweeper.params.budgets='20,30'")
    with pytest.raises(ConfigError, match="primary=test/mse,test/ssim: one value is needed"):
        planned(tmp_path / "new", "primary=test/mse,test/ssim")
    assert not (tmp_path / "new").exists()
