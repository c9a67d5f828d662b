"""The report: a folder of runs turned into an answer. Reads what runs leave behind, and needs no torch."""

from importlib import import_module
from typing import Any

_HOMES = {
    "read": "reading.runs", "Sweep": "reading.runs", "Run": "reading.run", "Problem": "reading.run",
    "leaderboard": "analysis.tables", "pareto": "analysis.tables", "heatmap": "analysis.tables",
    "results": "analysis.tables", "provenance": "analysis.tables", "paired": "analysis.comparison",
    "review": "analysis.review", "Review": "analysis.review",
}  # fmt: skip
__all__ = [*_HOMES]


def __getattr__(name: str) -> Any:
    """The public names, imported with pandas when they are used: a typo on the command line need not wait for it."""
    if name in _HOMES:
        return getattr(import_module(f"hourglass.report.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'hourglass.report' has no attribute {name!r}")
