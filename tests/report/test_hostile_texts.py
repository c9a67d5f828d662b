"""Names, labels and messages of others stay text: in Markdown, in CSV, in figures and in the terminal."""

import csv
import io
import json
from pathlib import Path

import pandas as pd
import pytest

from helpers.sweep_folders import change, jobs, spoil
from hourglass.report import markdown
from hourglass.report.make import as_csv, make
from hourglass.report.page.plots import plot
from hourglass.report.request import Request

EVIL = "=HYPERLINK(`x`)|[a](http://b) <img src=x>\n\x1b[2J\u202e\ud800"


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("channels=[4,8], p < 0.05", "channels=[4,8], p < 0.05"),
        ("a|b `c`\\", r"a\|b \`c\`" + "\\\\"),
        ("![a](http://b) [c][d]\n[e]: f", r"![a\](http&#58;//b) [c\][d] [e\]: f"),
        ("<b>1</b> <http://x> <!-- ", "&lt;b>1&lt;/b> &lt;http&#58;//x> &lt;!--"),
        ("see www.a.b or HTTPS://c", "see www&#46;a.b or HTTPS&#58;//c"),
    ],
)
def test_markdown_holds_it_as_it_is(text: str, becomes: str) -> None:
    assert markdown.plain(text) == becomes
    assert markdown.markdown_table(["x"], [[text]]).splitlines()[2] == f"| {becomes} |"


def test_code_ends_where_it_should() -> None:
    assert markdown.code("python train.py") == "`python train.py`"
    assert markdown.code("a `` b\nc") == "``` a `` b c ```"


def test_no_cell_is_a_formula_and_numbers_stay_numbers() -> None:
    table = pd.DataFrame({"=a": ["@x", "-1", "+a", "-", "x=1", "\tz", "'"], "b": [-1.5, 2, 3, 4, 5, 6, float("nan")]})
    rows = list(csv.reader(io.StringIO(as_csv(table))))
    assert rows[0] == ["'=a", "b"]
    assert [row[0] for row in rows[1:]] == ["'@x", "-1", "'+a", "'-", "x=1", "'\tz", "'"]
    assert [row[1] for row in rows[1:]] == ["-1.5", "2.0", "3.0", "4.0", "5.0", "6.0", ""]


def test_a_title_of_a_figure_is_no_html() -> None:
    layout = plot([], "level of <b>x", ["<a href='http://x'>y</a>"])["layout"]
    assert layout["xaxis"]["title"]["text"] == "level of &lt;b&gt;x"
    assert "<" not in layout["yaxis"]["title"]["text"]


def test_a_report_of_evil_names_is_made(small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, two, three, four = jobs(small)
    for path in (one, two):
        summary = json.loads((path / "summary.json").read_text())
        change(path, choices=summary["choices"] | {"decoder": EVIL}, metrics=summary["metrics"] | {EVIL: 1.0})
    spoil(three, "failed", EVIL)
    content = json.loads((small / "sweep.json").read_text())
    content["jobs"] |= {f"../{EVIL}": {"overrides": [EVIL]}}
    content["invocations"][0] |= {"command": EVIL, "declared": {"reference": EVIL, "fixed": EVIL}}
    (small / "sweep.json").write_text(json.dumps(content | {"name": EVIL}))
    review = make(Request(small, tmp_path / "out"))
    assert {problem.status for problem in review.sweep.others} == {"failed", "torn"}
    assert four.name in {run.id for run in review.sweep.runs}
    outputs = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "out").iterdir()}
    for name, text in (outputs | {"terminal": capsys.readouterr().out}).items():
        assert not {"\x1b", "\u202e", "\ud800"} & set(text), name
    assert "<img src=x>" not in outputs["report.html"]
    lines = [line for line in outputs["report.md"].splitlines() if "`` " not in line]  # the others are code
    assert not [line for line in lines if "<img" in line or "](http" in line.replace("\\](http", "")]
    cells = [cell for row in csv.reader(io.StringIO(outputs["results.csv"])) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "@"))]
