"""Probes: how much of the labels, and of the factors that images were drawn by, a simple reader finds in a code."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from hourglass.metrics.codes import optional, principal_components

RIDGES = np.logspace(-6, 3, 10)
"""Strengths among which generalised cross-validation chooses, for a map from standardised features"""


class Known(NamedTuple):
    """What is known of some images."""

    labels: np.ndarray | None
    """(N,) int64"""
    factors: Mapping[str, np.ndarray]
    """Name -> (N, K), NaN where an image does not show it"""


def read_off(train: np.ndarray, test: np.ndarray, of_train: Known, of_test: Known, neighbours: int) -> dict[str, float]:
    """Features (N, D) and (M, D), and what is known of their images -> what readers fitted on train find on test.

    `knn`, `logistic`: accuracy of the majority of the nearest neighbours (Euclidean), and of logistic regression with
    an L2 penalty of 1; `r2_FACTOR`: share of its variance that ridge regression explains, its mean over the factor's
    values. The regressions get standardised features. There is no chance in any of them.
    """
    linear, preprocessing = optional("sklearn.linear_model"), optional("sklearn.preprocessing")
    scale = preprocessing.StandardScaler().fit(train.astype(np.float64))
    scaled, scaled_test = scale.transform(train), scale.transform(test)
    found = {}
    if of_train.labels is not None and of_test.labels is not None:
        count = min(neighbours, len(train))
        near = optional("sklearn.neighbors").KNeighborsClassifier(count, algorithm="brute").fit(train, of_train.labels)
        logistic = linear.LogisticRegression(max_iter=1000, tol=1e-3).fit(scaled, of_train.labels)
        found["knn"] = float(near.score(test, of_test.labels))
        found["logistic"] = float(logistic.score(scaled_test, of_test.labels))
    for name, wanted in of_train.factors.items():
        shown, shown_test = (~np.isnan(values).any(1) for values in (wanted, of_test.factors[name]))
        ridge = linear.RidgeCV(RIDGES).fit(scaled[shown], wanted[shown])
        found[f"r2_{name}"] = float(ridge.score(scaled_test[shown_test], of_test.factors[name][shown_test]))
    return found


def chance(of_train: Known, of_test: Known) -> dict[str, float]:
    """`chance`: accuracy of the most frequent label of train."""
    if of_train.labels is None or of_test.labels is None:
        return {}
    return {"chance": float((of_test.labels == np.bincount(of_train.labels).argmax()).mean())}


def principal(train: np.ndarray, test: np.ndarray, dim: int) -> tuple[np.ndarray, np.ndarray]:
    """The first `dim` principal components of train, or all, (N, d) and (M, d)."""
    pca = principal_components(train, dim)
    return pca.transform(train), pca.transform(test)
