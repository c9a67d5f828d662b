"""Whatever a `config.yaml` holds, a run folder loads or is refused in a sentence."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given

import hourglass
from helpers.fuzzing import FIXTURES, changed, fuzz, harmless
from hourglass.config.parts import Parts
from hourglass.runs.read import read_configuration

pytestmark = pytest.mark.slow

WRITTEN = yaml.safe_load((FIXTURES / "run" / ".hydra" / "config.yaml").read_text())


@given(changed(WRITTEN))
@fuzz
def test_any_configuration_loads_or_is_refused(run: Path, written: object) -> None:
    text = yaml.safe_dump(written)
    (run / ".hydra" / "config.yaml").write_text(text, encoding="utf-8", errors="replace")
    with harmless(run):
        assert hourglass.load_run(run).image_shape
    with harmless(run):
        assert Parts(read_configuration(run)).data.image_shape


@given(changed({"a": WRITTEN["encoder"], "b": [1, {"c": "${a.factor}"}]}))
@fuzz
def test_any_tree_is_read_or_refused(run: Path, written: object) -> None:
    (run / ".hydra" / "config.yaml").write_text(yaml.safe_dump(written), encoding="utf-8", errors="replace")
    with harmless(run):
        assert len(read_configuration(run).id) == 8
