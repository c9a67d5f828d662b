"""What `evaluate` leaves out, and what it refuses: runs that are not whole, careless command lines, foreign code."""

import json
from pathlib import Path

import pytest
from lightning.pytorch import Trainer

from helpers.evaluations import IMAGES, SMALL
from helpers.project import run_command
from helpers.untrained_runs import untrained_run
from hourglass.cli import evaluate
from hourglass.core.errors import ConfigError, DataError
from hourglass.core.formats import FORMAT


def test_a_sweep_evaluates_the_completed_and_names_the_others(tmp_path: Path, capsys) -> None:
    for seed in (0, 1):
        untrained_run(tmp_path / f"0000000{seed}", *SMALL, f"seed={seed}")
    untrained_run(tmp_path / "0000000a", *SMALL, status="diverged")
    untrained_run(tmp_path / "0000000b", *SMALL)
    (tmp_path / "0000000b" / "summary.json").write_text('{"status": "compl')
    jobs = {path.name: {"overrides": []} for path in tmp_path.iterdir()} | {"0000000c": {"overrides": []}}
    sweep = {"format": FORMAT, "name": "mine", "invocations": [], "jobs": jobs}
    (tmp_path / "sweep.json").write_text(json.dumps(sweep), encoding="utf-8")
    evaluate.main([f"run={tmp_path}", "accelerator=cpu"])
    screen = capsys.readouterr().out
    for words in ("0000000a, diverged", "0000000b, torn", "0000000c, planned", "00000001  synthetic, none"):
        assert words in screen
    assert sorted(path.parents[1].name for path in tmp_path.glob("*/evaluations/*")) == ["00000000", "00000001"]

    untrained_run(tmp_path / "0000000d", "model=linear")  # 28×28
    with pytest.raises(DataError, match="0000000d could not be evaluated: data=synthetic has images of 1×12×12"):
        evaluate.main([f"run={tmp_path}", "accelerator=cpu", *IMAGES, "corruption=masking"])
    assert len(list(tmp_path.glob("*/evaluations/*"))) == 4
    assert "means of" not in capsys.readouterr().out


@pytest.mark.slow
def test_only_completed_runs_are_evaluated(tmp_path: Path) -> None:
    run = untrained_run(tmp_path / "run", *SMALL, status="interrupted")
    with pytest.raises(DataError, match=r"no completed run to evaluate \(run, interrupted\)"):
        evaluate.main([f"run={run}"])
    with pytest.raises(DataError, match="is no run folder and holds none"):
        evaluate.main([f"run={tmp_path / 'nowhere'}"])


@pytest.mark.slow
def test_a_probe_of_unknown_images_is_refused_before_anything_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = untrained_run(tmp_path / "run", "data=emoji", "channels=[4]")
    monkeypatch.setattr(Trainer, "test", lambda *_, **__: pytest.fail("it was measured"))
    with pytest.raises(DataError, match="neither: use data with labels, such as data=mnist5k"):
        evaluate.main([f"run={run}", "accelerator=cpu", "probe=true", "ladder=true"])


@pytest.mark.parametrize("torn", ['{"name": "mi', "[]", f'{{"format": {FORMAT}}}'])
def test_a_torn_sweep_json_is_named_with_the_cure(tmp_path: Path, torn: str) -> None:
    (tmp_path / "sweep.json").write_text(torn)
    with pytest.raises(DataError, match=r"sweep\.json is not whole .*delete it"):
        evaluate.main([f"run={tmp_path}"])


@pytest.mark.parametrize(
    ("content", "cure"), [("{}", "has no format number.*run it again"), ('{"format": 99}', "has format 99, .* reads 1")]
)
def test_folders_of_other_formats_are_not_evaluated(tmp_path: Path, content: str, cure: str) -> None:
    untrained_run(tmp_path / "run", *SMALL)
    (tmp_path / "sweep.json").write_text(content)
    with pytest.raises(DataError, match=rf"sweep\.json {cure}"):
        evaluate.main([f"run={tmp_path}", "accelerator=cpu"])
    (tmp_path / "run" / "summary.json").write_text(content)
    with pytest.raises(DataError, match=rf"no completed run .*summary\.json {cure}"):
        evaluate.main([f"run={tmp_path / 'run'}", "accelerator=cpu"])


@pytest.mark.parametrize(
    ("part", "slot"), [("hourglass.training.MSE", "loss"), ("hourglass.nn.LinearEncoder", "encoder")]
)
def test_nothing_in_a_run_folder_is_executed(tmp_path: Path, part: str, slot: str) -> None:
    run = untrained_run(tmp_path / "run", *SMALL)
    path = run / ".hydra" / "config.yaml"
    text = path.read_text(encoding="utf-8")
    assert text.count(part) == 1
    path.write_text(text.replace(part, "os.system"), encoding="utf-8")
    with pytest.raises(DataError, match=rf"{slot}\._target_=os\.system is no part of hourglass.*; nothing was run"):
        evaluate.main([f"run={run}"])


@pytest.mark.parametrize("content", ["a: [", "- 3", "", "a: \x00"])
def test_a_damaged_configuration_is_named(tmp_path: Path, content: str) -> None:
    run = untrained_run(tmp_path / "run", *SMALL)
    (run / ".hydra" / "config.yaml").write_text(content)
    with pytest.raises(DataError, match=r"config\.yaml .*it was damaged after it was written"):
        evaluate.main([f"run={run}"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ladder=true"], "name one run"),
        (["run=a", "run=b"], "name one run"),
        (
            ["run=a", "lader=true"],
            "lader is no option of evaluate, which has run, ladder, probe, iwae, baselines",
        ),
        (["run=a", "ladder=1"], "ladder=1: input should be a valid boolean"),
        (["run=a", "seed=-1"], "seed=-1: input should be greater than or equal to 0"),
        (["run=a", "accelerator=abacus"], "accelerator=abacus: input should be 'auto'"),
        (["run=a", "ladder=true", "corruption=none"], "leave out either it or corruption"),
        (["run=a", "ladder=true", "corruption.std=0.1"], "leave out either it or corruption"),
        (["run=a", "corruption.std=0.1,0.2"], "give one value; ladder=true"),
        (["run=a", "corruption=none", "corruption=masking"], "corruption is given 2 times"),
        (["run=a", "+corruption.q=3"], "leave the '\\+' out"),
    ],
)
def test_careless_command_lines_are_refused(arguments: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        evaluate.main(arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["corruption.st=1"], "corruption.st: corruption=gaussian has no such value; it has std, clip"),
        (["corruption.std=-1"], "corruption.std=-1: input should be greater than or equal to 0"),
        (["data.root=nowhere"], "data.root: data=synthetic has no such value"),
    ],
)
def test_values_that_a_run_cannot_have_are_refused(tmp_path: Path, arguments: list[str], message: str) -> None:
    run = untrained_run(tmp_path / "run", *SMALL, "corruption=gaussian")
    with pytest.raises(DataError, match=message):
        evaluate.main([f"run={run}", "accelerator=cpu", *arguments])
    assert not (run / "evaluations").exists()


def test_mistakes_are_answered_before_torch_is_imported() -> None:
    """`-X importtime` lists every module on the error stream."""
    done = run_command("-X", "importtime", "evaluate.py", "run=nowhere", "corruption=gausian")
    assert done.returncode == 1
    assert "gaussian" in done.stderr
    assert "Traceback" not in done.stderr
    assert "omegaconf" in done.stderr
    assert "torch" not in done.stderr


def test_help_is_the_commented_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    evaluate.main(["--help"])
    screen = capsys.readouterr().out
    for words in ("python evaluate.py run=", "ladder: false", "# corruption: block, gaussian, masking, none"):
        assert words in screen
