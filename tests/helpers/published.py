"""What the kept CSVs of docs/results say, written as its pages write it."""

from collections.abc import Iterable
from functools import cache

import pandas as pd

from helpers.project import ROOT
from hourglass.core.text import p_value
from hourglass.report.analysis import sign_flip, stats

RESULTS = ROOT / "docs" / "results"


def assert_says(page: str, claims: Iterable[str]) -> None:
    """Is each claim, word by word but for the breaks of lines, in this page?"""
    text = " ".join((RESULTS / page).read_text(encoding="utf-8").split())
    for claim in claims:
        assert claim in text, claim


@cache
def table(name: str) -> pd.DataFrame:
    return pd.read_csv(RESULTS / name / "results.csv")


@cache
def evaluations(name: str) -> pd.DataFrame:
    return pd.read_csv(RESULTS / name / "evaluations.csv")


def cell(name: str, **where: object) -> pd.DataFrame:
    rows = table(name)
    for key, value in where.items():
        rows = rows[rows[key] == value]
    return rows


def pairs(rows: pd.DataFrame, key: str, label: str, reference: str, metric: str) -> tuple[pd.Series, float]:
    """By seed, the difference from the reference; and the reference's mean."""
    values = rows.pivot(index="seed", columns=key, values=metric)
    return values[label] - values[reference], values[reference].mean()


def of_the_images(rows: pd.DataFrame, metric: str) -> pd.Series:
    """Of each run, a metric of its output in times that of the images themselves."""
    return rows[f"test/{metric}"] / rows[f"real/{metric}"]


def against(rows: pd.DataFrame, key: str, label: str, reference: str, metric: str) -> str:
    """`-1.7 ± 5.3 %`: the mean difference of pairs and half its interval, over the reference's mean."""
    differences, base = pairs(rows, key, label, reference, metric)
    return f"{100 * differences.mean() / base:+.1f} ± {100 * stats.t_interval(differences) / base:.1f} %"


def holm(key: str, reference: str, metric: str, *tables: pd.DataFrame) -> list[dict[str, str]]:
    """Of each table, label -> its sign-flip p against the reference, after Holm's correction over all of them."""
    found = [
        (number, label, alone(rows, key, label, reference, metric))
        for number, rows in enumerate(tables)
        for label in rows[key].unique()
        if label != reference
    ]
    adjusted: list[dict[str, str]] = [{} for _ in tables]
    for (number, label, _), p in zip(found, stats.holm([p for _, _, p in found]), strict=True):
        adjusted[number][label] = p_value(p)
    return adjusted


def alone(rows: pd.DataFrame, key: str, label: str, reference: str, metric: str) -> float:
    """The sign-flip p of one comparison, without a correction."""
    return sign_flip.sign_flip_p(pairs(rows, key, label, reference, metric)[0].to_numpy())


def needed(rows: pd.DataFrame, key: str, label: str, reference: str, comparisons: int) -> tuple[float, float]:
    """Seeds that would show a difference of 5 % of the test MSE, and equivalence within it, by the spread seen."""
    differences, base = pairs(rows, key, label, reference, "test/mse")
    return stats.seeds_needed(differences.tolist(), 0.05 * base, comparisons)


def tuned(rows: pd.DataFrame, decoder: str) -> list[str]:
    """Its rate, MSE, difference from resize, SSIM and top octave."""
    own = rows[rows["decoder"] == decoder]
    difference = "0" if decoder == "resize" else against(rows, "decoder", decoder, "resize", "test/mse")
    means = f"{own['test/ssim'].mean():.4f}", f"{own['test/top_octave'].mean():.1f}"
    return [f"{own['optimizer.lr'].unique().item():g}", mean(own["test/mse"], 5), difference, *means]


def mean(values: pd.Series, digits: int) -> str:
    return f"{values.mean():.{digits}f} ± {stats.t_interval(values):.{digits}f}"


def row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
