"""What is read off features, on features of which it is known."""

import sys

import numpy as np
import pytest

from hourglass.core.errors import ConfigError
from hourglass.metrics.codes.probes import Known, chance, principal, read_off

RANDOM = np.random.default_rng(0)
LABELS = (RANDOM.integers(0, 4, 400), RANDOM.integers(0, 4, 300))


def known(labels: np.ndarray | None, **factors: np.ndarray) -> Known:
    return Known(labels, factors)


def test_codes_that_are_the_label_and_codes_that_are_noise() -> None:
    of_train, of_test = map(known, LABELS)
    one_hot = [np.eye(4)[labels] for labels in LABELS]
    assert read_off(*one_hot, of_train, of_test, 5) == {"knn": 1.0, "logistic": 1.0}
    noise = [RANDOM.normal(size=(len(labels), 8)) for labels in LABELS]
    by_chance = read_off(*noise, of_train, of_test, 5)
    for value in (*by_chance.values(), *chance(of_train, of_test).values()):
        assert value == pytest.approx(0.25, abs=4 * np.sqrt(0.25 * 0.75 / 300))


def test_what_a_linear_map_recovers_of_factors() -> None:
    """Codes that are a linear map of the factors, whatever their scale; of half the images one is not shown."""
    shown, hidden = RANDOM.normal(size=(2, 300, 3)), RANDOM.normal(size=(2, 300, 2))
    codes = np.concatenate([shown, hidden], 2) @ RANDOM.normal(size=(5, 9)) * np.logspace(-3, 3, 9)
    gone = hidden.copy()
    gone[:, ::2] = np.nan
    train, test = (known(None, shown=shown[i], hidden=gone[i]) for i in range(2))
    found = read_off(codes[0], codes[1], train, test, 5)
    assert found == pytest.approx({"r2_shown": 1.0, "r2_hidden": 1.0}, abs=1e-6)
    noise = RANDOM.normal(size=(2, 300, 9))
    assert abs(read_off(noise[0], noise[1], train, test, 5)["r2_shown"]) < 0.1


def test_principal_components_are_those_of_the_singular_vectors() -> None:
    train, test = RANDOM.normal(size=(60, 12)) * np.arange(1, 13), RANDOM.normal(size=(20, 12))
    axes = np.linalg.svd(train - train.mean(0), full_matrices=False)[2]
    for dim in (5, 12, 99):
        ours, theirs = principal(train, test, dim), [(x - train.mean(0)) @ axes[:dim].T for x in (train, test)]
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(np.abs(one), np.abs(other), atol=1e-9)


def test_the_extra_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.decomposition", None)
    with pytest.raises(ConfigError, match=r"probes and samplers need sklearn\S*: pip install 'hourglass\[probe\]'"):
        principal(np.zeros((2, 2)), np.zeros((2, 2)), 1)
