"""`python scripts/keep_results.py logs/sweeps/NAME [reference]`: the report of a sweep, for docs/results/NAME.

Writes report.md, results.csv, pictures.png (the first test images, and what each configuration made of them) and
seeds.png (a dot a seed: error, and the checkerboard before and after training). Needs the extra `dev`.
"""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt

from hourglass.report import command, runs
from hourglass.report.publish import side_by_side

RESULTS = Path(__file__).parents[1] / "docs" / "results"
SHOWN = ("test/mse", "init/phase_bias_2", "test/phase_bias_2", "test/phase_error_imbalance_2")


def seeds(sweep: runs.Sweep, path: Path) -> None:
    """One panel a metric, one row a configuration; the line is the value of the real images."""
    found = runs.configurations(sweep)[::-1]
    there = [metric for metric in SHOWN if any(metric in run.metrics for run in sweep.runs)]
    figure, axes = plt.subplots(1, len(there), figsize=(3.2 * len(there) + 3, 0.32 * len(found) + 1.2), sharey=True)
    for axis, metric in zip(axes if len(there) > 1 else [axes], there, strict=True):
        for row, configuration in enumerate(found):
            values = [run.metrics[metric] for run in configuration.runs if metric in run.metrics]
            axis.plot(values, [row] * len(values), "o", alpha=0.6, markersize=4)
        real = [run.metrics[name] for run in sweep.runs if (name := f"real/{metric.split('/')[1]}") in run.metrics]
        if real:
            axis.axvline(sum(real) / len(real), color="black", linestyle="--", linewidth=0.8)
        axis.set(xscale="log", title=metric, yticks=range(len(found)), yticklabels=[c.label for c in found])
        axis.grid(axis="y", alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, dpi=90)


def main() -> None:
    folder, reference = Path(sys.argv[1]), next(iter(sys.argv[2:]), None)
    out = RESULTS / folder.name
    sweep = command.make(command.Request(folder, out, reference))
    (out / "report.html").unlink()  # megabytes; the command above makes it again
    side_by_side(sweep).save(out / "pictures.png", optimize=True)
    seeds(sweep, out / "seeds.png")


if __name__ == "__main__":
    main()
