"""Metrics fed in one line."""

from torchmetrics import Metric


def value(metric: Metric, *inputs: object) -> float:
    metric.update(*inputs)
    return float(metric.compute())
