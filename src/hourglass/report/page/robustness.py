"""The figure of quality under other corruption, from the evaluations beside the runs."""

import pandas as pd

from hourglass.core.text import number
from hourglass.report.analysis.review import Review
from hourglass.report.page.plots import Figure, Plot, band, plot
from hourglass.report.reading import evaluations

EVALUATED = (
    "test/psnr_gain",
    "test/psnr",
    "test/mse",
    "test/ssim",
    "probe/logistic",
    "probe/knn",
    "ratio/affine",
    "ratio/wiener_curve",
)


def robustness(review: Review) -> Figure | None:
    """Quality over the level of a corruption: a line per configuration, a variant per metric and kind."""
    evaluated = review.evaluated
    of_others = (f"test/{name}" for name, what in review.measures.declared.items() if what.better)
    metrics = [metric for metric in (*EVALUATED, *of_others) if metric in evaluated]
    if not metrics:
        return None
    place, title = {configuration.label: i for i, configuration in enumerate(review.ranked)}, review.measures.title
    evaluated = evaluations.in_order(with_clean(evaluated.assign(config=evaluated["label"].map(place))))
    several = evaluated["on/data"].nunique() > 1
    variants: dict[str, Plot] = {}
    rows, shown = [], set()
    for metric in metrics:
        measured = evaluated.dropna(subset=[metric, "on/level"])
        for (kind, data, variant), part in measured.groupby(["on/kind", "on/data", "on/variant"], sort=False):
            name = f"{kind}{f' on {data}' if several else ''}{f', {variant}' if variant else ''}"
            traces = []
            for (i, label), own in part.groupby(["config", "label"]):
                levels = own.groupby("on/level")[metric].agg(["mean", "min", "max"]).reset_index(names="x")
                traces += band(i, label, levels, mode="lines+markers")
                rows += [[label, metric, name, number(x), number(mean)] for x, mean in levels[["x", "mean"]].to_numpy()]
                shown.add(i)
            variants[f"{name}: {title(metric)}"] = plot(traces, f"level of {kind}", [title(metric)], shared=True)
    if not variants:
        return None
    words = (
        "The trained runs evaluated again under other corruption. Mean over the seeds; the band reaches from the "
        "lowest seed to the highest."
    )
    header = ["Configuration", "metric", "corruption", "level", "mean"]
    return Figure("robustness", "Robustness", words, "Corruption", variants, header, rows, sorted(shown))


def with_clean(evaluated: pd.DataFrame) -> pd.DataFrame:
    """The clean images of a run as level 0 of every kind that it was evaluated under on the same images."""
    keys = ["id", "on/data", "on/images"]
    is_clean = evaluated["on/kind"] == "none"
    if is_clean.all():
        return evaluated
    clean, others = evaluated[is_clean].drop_duplicates(keys), evaluated[~is_clean]
    places = others[[*keys, "on/kind", "on/variant"]].drop_duplicates()
    at_zero = clean.drop(columns=["on/kind", "on/variant"]).merge(places, on=keys).assign(**{"on/level": 0.0})
    return pd.concat([others, at_zero], ignore_index=True)
