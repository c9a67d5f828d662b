"""One sweep, tuned by several commands: what each of them trained is told apart, and what they share is not."""

from pathlib import Path
from typing import Any

import pytest

from helpers import sweep_folders
from helpers.tuned_folders import run
from hourglass.core.files import write_json
from hourglass.core.formats import FORMAT
from hourglass.report.reading import runs

OF_COMMANDS = (
    ["tune={optimizer.lr:[0.01,0.02]}"], ["tuning.seeds=[7]", "tuning.extensions=0"], ["report=False"], ["logger=csv"],
    ["data.root=/elsewhere"], ["hydra/launcher=joblib"], ["fixed='0123abc'", "primary=test/ssim"],
    ["sweep=s", "retry=all"], ["decoder.channels=null"], ["loss.where=all"],
)  # fmt: skip
"""Words that two commands of one sweep may differ in, while what they train does not"""


@pytest.mark.parametrize("words", OF_COMMANDS)
def test_another_command_with_other_words_of_its_own_tunes_the_same_configuration(
    tmp_path: Path, words: list[str]
) -> None:
    """One seed at two values is one seed, of the value that the last command chose; what was lost belongs to it too."""
    jobs: dict[str, Any] = {}
    invocations = []
    for lr, own in (("0.01", words), ("0.004", [])):
        made = run(tmp_path, [f"optimizer.lr={lr}", "reported=false"], 1000, 0.005)
        for seed in (0, 1):
            made |= run(tmp_path, [f"optimizer.lr={lr}"], seed, 0.005)
        for entry in made.values():
            entry["overrides"] += own
        jobs |= made
        invocations.append({"command": "", "overrides": [], "time": "2026-03-01T12:00:00", "git": None, "jobs": [*made],
                            "tuning": {"keys": ["optimizer.lr"], "seeds": [1000], "metric": "val/mse"}})  # fmt: skip
    sweep_folders.spoil(tmp_path / [*jobs][-1], "failed", "out of memory")
    content = {"format": FORMAT, "name": "tuned", "invocations": invocations, "jobs": jobs}
    write_json(tmp_path / "sweep.json", content)
    sweep = runs.read(tmp_path)
    (configuration,) = sweep.configurations
    assert [(one.seed, one.config["optimizer.lr"]) for one in configuration.runs] == [(0, 0.004)]
    assert [problem.status for problem in configuration.lost] == ["failed"]
    assert not sweep.without_runs
    assert [problem.status for problem in sweep.others].count("superseded") == 2
