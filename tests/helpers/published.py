"""What the kept CSVs of docs/results say, written as its pages write it."""

from collections.abc import Iterable, Sequence

import pandas as pd

from helpers.project import ROOT
from hourglass.core.text import p_value
from hourglass.report.analysis import stats

RESULTS = ROOT / "docs" / "results"


def assert_says(page: str, claims: Iterable[str]) -> None:
    """Is each claim, word by word but for the breaks of lines, in this page?"""
    text = " ".join((RESULTS / page).read_text(encoding="utf-8").split())
    for claim in claims:
        assert claim in text, claim


def table(name: str) -> pd.DataFrame:
    return pd.read_csv(RESULTS / name / "results.csv")


def cell(name: str, **where: object) -> pd.DataFrame:
    rows = table(name)
    for key, value in where.items():
        rows = rows[rows[key] == value]
    return rows


def against(rows: pd.DataFrame, key: str, label: str, reference: str, metric: str) -> str:
    """`-1.7 ± 5.3 %`: the mean difference of pairs and half its interval, over the reference's mean."""
    values = rows.pivot(index="seed", columns=key, values=metric)
    differences, base = values[label] - values[reference], values[reference].mean()
    return f"{100 * differences.mean() / base:+.1f} ± {100 * stats.t_interval(differences) / base:.1f} %"


def holm(rows: pd.DataFrame, key: str, reference: str, metric: str, more: Sequence[float] = ()) -> dict[str, str]:
    """Label -> its sign-flip p against the reference, after Holm's correction over all of them and the p of `more`."""
    values = rows.pivot(index="seed", columns=key, values=metric)
    labels = [label for label in values.columns if label != reference]
    found = [stats.sign_flip_p((values[label] - values[reference]).to_numpy()) for label in labels]
    return dict(zip(labels, map(p_value, stats.holm([*found, *more])), strict=False))


def mean(values: pd.Series, digits: int) -> str:
    return f"{values.mean():.{digits}f} ± {stats.t_interval(values):.{digits}f}"


def row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
