"""Probes: how much of the labels, and of the factors that images were drawn by, a simple reader finds in a code."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from hourglass.core.errors import DataError
from hourglass.metrics.codes import optional, principal_components, varying

RIDGES = np.logspace(-6, 3, 10)
"""Strengths among which generalised cross-validation chooses, for a map from features with a variance of about 1"""


class Known(NamedTuple):
    """What is known of some images."""

    labels: np.ndarray | None
    """(N,) int64"""
    factors: Mapping[str, np.ndarray]
    """Name -> (N, K), NaN where an image does not show it"""


def readable(of_train: Known, of_test: Known) -> tuple[Known, Known]:
    """What readers can be fitted to and judged by: without the values of factors that are the same for all images.

    Raises DataError where the images are too few for a reader.
    """
    if of_train.labels is not None and of_test.labels is not None and len(np.unique(of_train.labels)) < 2:
        raise DataError(
            f"the {len(of_train.labels)} training images of the probe all have one label: use a larger train=, or data "
            "of several labels"
        )
    both = {}
    for name, values in of_train.factors.items():
        pair = [some[~np.isnan(some).any(1)] for some in (values, of_test.factors[name])]
        for split, shown, of in zip(("train", "test"), pair, (values, of_test.factors[name]), strict=True):
            if len(shown) < 2:
                raise DataError(
                    f"of the {len(of)} {split} images of the probe {len(shown)} show the factor {name}, and 2 are "
                    f"needed: use a larger {split}=, or more images"
                )
        varies = np.logical_and(*(np.ptp(shown, 0) > 0 for shown in pair))
        if varies.any():
            both[name] = (values[:, varies], of_test.factors[name][:, varies])
    if not both and (of_train.labels is None or of_test.labels is None):
        raise DataError("no factor of the images of the probe varies: use a larger train= and test=, or other data")
    train, test = ({name: pair[i] for name, pair in both.items()} for i in range(2))
    return of_train._replace(factors=train), of_test._replace(factors=test)


def standardised(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each feature less its mean, over its standard deviation, in train; 0 where it does not vary there."""
    train, test = train.astype(np.float64), test.astype(np.float64)
    scale = np.where(varying(train), train.std(0), np.inf)
    return (train - train.mean(0)) / scale, (test - train.mean(0)) / scale


def in_one_unit(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Features of one unit, as pixels are: less their means, by one factor, so that their mean variance in train is 1.

    A rotation of them, such as all their principal components, has the same distances and products.
    """
    train, test = train.astype(np.float64), test.astype(np.float64)
    scale = np.sqrt(train.var(0).mean()) if varying(train).any() else np.inf
    return (train - train.mean(0)) / scale, (test - train.mean(0)) / scale


def read_off(
    train: np.ndarray, test: np.ndarray, of_train: Known, of_test: Known, neighbours: int, *, standardise: bool
) -> dict[str, float]:
    """Features (N, D) and (M, D), and what is known of their images -> what readers fitted on train find on test.

    `knn`, `logistic`: accuracy of the majority of the nearest neighbours (Euclidean), and of logistic regression with
    an L2 penalty of 1; `r2_FACTOR`: share of its variance that ridge regression explains, its mean over the factor's
    values. `standardise`: the regressions get each feature at a variance of 1; else as it is, as `in_one_unit` gives
    it. There is no chance in any of them.
    """
    linear = optional("sklearn.linear_model")
    scaled, scaled_test = standardised(train, test) if standardise else (train, test)
    found = {}
    if of_train.labels is not None and of_test.labels is not None:
        knn = optional("sklearn.neighbors").KNeighborsClassifier(neighbours, algorithm="brute")
        near = knn.fit(train, of_train.labels)
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
    """The first `dim` principal components of train, or all that are more than rounding errors, (N, d) and (M, d)."""
    pca = principal_components(train, dim)
    return pca.of(train), pca.of(test)
