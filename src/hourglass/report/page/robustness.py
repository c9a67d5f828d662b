"""The figure of quality under other corruption, from the evaluations beside the runs."""

import pandas as pd

from hourglass.report.analysis.measures import title
from hourglass.report.analysis.review import Review
from hourglass.report.page.marks import number
from hourglass.report.page.plots import Figure, Plot, band, plot
from hourglass.report.reading import evaluations

EVALUATED = ("test/psnr_gain", "test/psnr", "test/mse", "test/ssim")


def robustness(review: Review) -> Figure | None:
    """Quality over the level of a corruption: a line a configuration, a variant of the figure an evaluation by kind."""
    found = review.evaluated
    metrics = [metric for metric in EVALUATED if metric in found]
    if not metrics:
        return None
    place = {configuration.label: i for i, configuration in enumerate(review.ranked)}
    found = evaluations.in_order(with_clean(found.assign(config=found["label"].map(place))))
    several = found["on/data"].nunique() > 1
    variants: dict[str, Plot] = {}
    rows, shown = [], set()
    for metric in metrics:
        measured = found.dropna(subset=[metric, "on/level"])
        for (kind, data, variant), part in measured.groupby(["on/kind", "on/data", "on/variant"], sort=False):
            name = f"{kind}{f' on {data}' if several else ''}{f', {variant}' if variant else ''}"
            traces = []
            for i, own in part.groupby("config"):
                summary = own.groupby("on/level")[metric].agg(["mean", "min", "max"]).reset_index(names="x")
                label = review.ranked[int(i)].label
                traces += band(int(i), label, summary, mode="lines+markers")
                rows += [
                    [label, metric, name, number(x), number(mean)] for x, mean in summary[["x", "mean"]].to_numpy()
                ]
                shown.add(int(i))
            variants[f"{name}: {title(metric)}"] = plot(traces, f"level of {kind}", [title(metric)], shared=True)
    if not variants:
        return None
    words = (
        "The trained runs evaluated again under other corruption. Mean over the seeds; the band reaches from the "
        "lowest seed to the highest."
    )
    columns = ["Configuration", "metric", "corruption", "level", "mean"]
    return Figure("robustness", "Robustness", words, "Corruption", variants, columns, rows, sorted(shown))


def with_clean(found: pd.DataFrame) -> pd.DataFrame:
    """The clean images of a run as level 0 of every kind that it was evaluated under on the same images."""
    clean = found[found["on/kind"] == "none"].drop_duplicates(["id", "on/data", "on/images"])
    others = found[found["on/kind"] != "none"]
    if others.empty:
        return found
    keys = ["id", "on/data", "on/images"]
    places = others[[*keys, "on/kind", "on/variant"]].drop_duplicates()
    at_zero = clean.drop(columns=["on/kind", "on/variant"]).merge(places, on=keys).assign(**{"on/level": 0.0})
    return pd.concat([others, at_zero], ignore_index=True)
