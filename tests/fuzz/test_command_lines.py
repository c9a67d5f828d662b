"""Whatever stands on a command line, it is understood or refused in a sentence, and nothing is run or written."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.fuzzing import evil, fuzz, harmless
from hourglass.config.compose import composed, groups
from hourglass.config.configuration import Configuration
from hourglass.config.overrides import at_home, parse, refuse_careless, refuse_what_hydra_does_not_explain, sweep_name
from hourglass.report.request import parse as parse_report
from hourglass.report.show.options import parse_options as parse_show
from hourglass.runs.evaluation.codes.embed_options import parse_options as parse_embed
from hourglass.runs.evaluation.codes.probe_options import parse_options as parse_probe
from hourglass.runs.evaluation.codes.sample_options import parse_options as parse_sample
from hourglass.runs.evaluation.reconstruct_options import parse_options
from hourglass.runs.evaluation.request import parse_request
from hourglass.runs.export.request import parse_options as parse_export
from hourglass.sweeps.overview.request import parse_request as parse_runs

pytestmark = pytest.mark.slow

KEYS = [
    "seed", "model", "decoder", "encoder", "latent", "latent.dim", "data", "data.root", "data.source.train",
    "corruption", "corruption.std", "loss", "optimizer.lr", "trainer", "trainer.devices", "callbacks", "logger",
    "channels", "run", "images", "out", "fit", "trust", "ladder", "levels", "reference", "metric", "sweep", "resume",
    "hydra.run.dir", "x", "hydra/launcher", "experiment", "match", "search", "sampler", "n", "train", "neighbours",
]  # fmt: skip
VALUES = [
    "1", "0", "-1", "1e400", "nan", "null", "true", "[1,2]", "[", "{a:1}", "{", "(", "'", '"a"', "a b", "a=b", "a,b",
    "gaussian", "none", "resize", "mnist", "dense", "choice(1,2)", "range(1,3)", "glob(*)", "int(x)", "~/x", "${seed}",
    "${x:y}", "\\", ",", "[mylab]", "runs", "\N{GREEK SMALL LETTER ALPHA}", "$", "@", "???",
]  # fmt: skip
words = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "", "", "", "+", "++", "~", "-", "--"]),
    st.sampled_from(KEYS) | st.text("abc./@:=[]", max_size=6),
    st.sampled_from(["=", "=", "=", "", ":=", "=="]),
    st.sampled_from(VALUES)
    | evil.filter(lambda text: "\ud800" not in text and "CANARY" not in text)
    | st.text(max_size=6),
)
lines = st.lists(words.filter(lambda word: "\0" not in word), max_size=4)


@given(lines)
@fuzz
def test_any_command_line_of_train_is_composed_or_refused(trap: Path, line: list[str]) -> None:
    with harmless(trap / "path"):
        overrides = at_home(line)
        refuse_what_hydra_does_not_explain(overrides, groups())
        refuse_careless(overrides)
        assert Configuration.of(composed("train", overrides)).id


@given(lines)
@fuzz
def test_any_overrides_are_parsed_or_refused(trap: Path, line: list[str]) -> None:
    with harmless(trap / "path"):
        refuse_what_hydra_does_not_explain(at_home(line), groups())
        refuse_careless(line)
        assert sweep_name(line)
        assert len(parse(line)) == len(line)


@given(lines)
@fuzz
def test_any_command_line_of_evaluate_is_understood_or_refused(trap: Path, line: list[str]) -> None:
    with harmless(trap / "path"):
        assert parse_request(["run=x", *line]).folder == Path("x")


@given(lines)
@fuzz
def test_any_command_line_of_report_is_understood_or_refused(trap: Path, line: list[str]) -> None:
    with harmless(trap / "path"):
        assert parse_report(["logs/x", *line]).folder == Path("logs/x")


@given(lines)
@fuzz
def test_any_command_line_of_reconstruct_is_understood_or_refused(trap: Path, line: list[str]) -> None:
    with harmless(trap / "path"):
        assert parse_options(["run=x", "images=a.png", "out=y", *line]).run == "x"


@given(lines)
@fuzz
def test_any_command_line_of_export_is_understood_or_refused(trap: Path, line: list[str]) -> None:
    with harmless(trap / "path"):
        assert parse_export(["run=x", "format=onnx", *line]).file.suffix == ".onnx"


@given(lines)
@fuzz
def test_any_command_line_of_embed_is_understood_or_refused(trap: Path, line: list[str]) -> None:
    with harmless(trap / "path"):
        assert parse_embed(["run=x", "data=run", "out=y.npz", *line]).file == Path("y.npz")


@given(lines)
@fuzz
def test_any_command_line_of_probe_is_understood_or_refused(trap: Path, line: list[str]) -> None:
    with harmless(trap / "path"):
        assert parse_probe(["run=x", *line]).run == "x"


@given(lines)
@fuzz
def test_any_command_line_of_sample_is_understood_or_refused(trap: Path, line: list[str]) -> None:
    with harmless(trap / "path"):
        assert parse_sample(["run=x", *line]).run == "x"


@given(lines)
@fuzz
def test_any_command_line_of_show_is_understood_or_refused(trap: Path, line: list[str]) -> None:
    with harmless(trap / "path"):
        assert parse_show(["out=y", *line]).folder == Path("y")


@given(lines)
@fuzz
def test_any_command_line_of_runs_is_understood_or_refused(trap: Path, line: list[str]) -> None:
    with harmless(trap / "path"):
        assert parse_runs(["list", *line]).action == "list"
