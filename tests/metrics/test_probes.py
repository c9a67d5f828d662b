"""What is read off features, on features of which it is known."""

import sys

import numpy as np
import pytest

from hourglass.core.errors import ConfigError, DataError
from hourglass.metrics.codes.probes import Known, chance, in_one_unit, principal, read_off, readable

RANDOM = np.random.default_rng(0)
LABELS = (RANDOM.integers(0, 4, 400), RANDOM.integers(0, 4, 300))


def known(labels: np.ndarray | None, **factors: np.ndarray) -> Known:
    return Known(labels, factors)


def test_codes_that_are_the_label_and_codes_that_are_noise() -> None:
    of_train, of_test = map(known, LABELS)
    one_hot = [np.eye(4)[labels] for labels in LABELS]
    assert read_off(*one_hot, of_train, of_test, 5, standardise=True) == {"knn": 1.0, "logistic": 1.0}
    noise = [RANDOM.normal(size=(len(labels), 8)) for labels in LABELS]
    by_chance = read_off(*noise, of_train, of_test, 5, standardise=True)
    for value in (*by_chance.values(), *chance(of_train, of_test).values()):
        assert value == pytest.approx(0.25, abs=4 * np.sqrt(0.25 * 0.75 / 300))


def test_what_a_linear_map_recovers_of_factors() -> None:
    """Codes that are a linear map of the factors, whatever their scale; of half the images one is not shown."""
    shown, hidden = RANDOM.normal(size=(2, 300, 3)), RANDOM.normal(size=(2, 300, 2))
    codes = np.concatenate([shown, hidden], 2) @ RANDOM.normal(size=(5, 9)) * np.logspace(-3, 3, 9)
    gone = hidden.copy()
    gone[:, ::2] = np.nan
    train, test = (known(None, shown=shown[i], hidden=gone[i]) for i in range(2))
    found = read_off(codes[0], codes[1], train, test, 5, standardise=True)
    assert found == pytest.approx({"r2_shown": 1.0, "r2_hidden": 1.0}, abs=1e-6)
    noise = RANDOM.normal(size=(2, 300, 9))
    assert abs(read_off(noise[0], noise[1], train, test, 5, standardise=True)["r2_shown"]) < 0.1


def test_principal_components_are_those_of_the_singular_vectors() -> None:
    train, test = RANDOM.normal(size=(60, 12)) * np.arange(1, 13), RANDOM.normal(size=(20, 12))
    axes = np.linalg.svd(train - train.mean(0), full_matrices=False)[2]
    for dim in (5, 12, 99):
        ours, theirs = principal(train, test, dim), [(x - train.mean(0)) @ axes[:dim].T for x in (train, test)]
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(np.abs(one), np.abs(other), atol=1e-9)


def images_of(kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Rows in float32, as pixels come."""
    n, dim, rank = {"full": (400, 20, 20), "deficient": (400, 60, 7), "few": (30, 60, 60)}[kind]
    basis = RANDOM.normal(size=(rank, dim)) * np.logspace(0, -2, rank)[:, None]
    train, test = (RANDOM.normal(size=(some, rank)) @ basis + 3 for some in (n, 300))
    return train.astype(np.float32), test.astype(np.float32)


@pytest.mark.parametrize("kind", ["full", "deficient", "few"])
def test_all_principal_components_say_what_the_pixels_say(kind: str) -> None:
    """They are a rotation; where the rest is rounding errors, or there are fewer images than numbers, too."""
    train, test = in_one_unit(*images_of(kind))
    known_of = [known((rows[:, 0] > 0).astype(int), first=rows[:, 1:2], both=rows[:, :2]) for rows in (train, test)]
    pixels = read_off(train, test, *known_of, 5, standardise=False)
    pca = read_off(*principal(train, test, train.shape[1]), *known_of, 5, standardise=False)
    assert pca == pytest.approx(pixels, abs=0.01)
    assert pca["r2_first"] > (0.5 if kind == "few" else 0.99)
    fewer = read_off(*principal(train, test, 3), *known_of, 5, standardise=False)
    assert all(-1 < value <= 1 for value in fewer.values())


def test_numbers_that_do_not_vary_say_nothing() -> None:
    """Dead units, one of them with the rounding errors of float32, which may not grow into features."""
    codes = RANDOM.normal(size=(2, 300, 3)).astype(np.float32)
    dead = np.full((2, 300, 2), 7, np.float32)
    dead[..., 1] *= 1 + 1e-7 * np.sign(codes[..., 0])
    of = [known((rows[:, 0] > 0).astype(int), first=rows[:, :1]) for rows in codes]
    alone = read_off(codes[0, :, 1:], codes[1, :, 1:], *of, 5, standardise=True)
    beside = np.concatenate([codes[..., 1:], dead], 2)
    assert read_off(*beside, *of, 5, standardise=True) == pytest.approx(alone, abs=1e-6)
    nothing = read_off(*dead, *of, 5, standardise=True)
    assert nothing["r2_first"] == pytest.approx(0, abs=0.02)


def test_a_factor_that_is_the_same_for_all_images_is_left_out() -> None:
    varied, same, unseen = RANDOM.normal(size=(50, 2)), np.ones((50, 1)), np.full((50, 1), np.nan)
    half = np.hstack([same, varied])
    for one in readable(*[known(None, varied=varied, same=same, half=half)] * 2):
        assert one.factors.keys() == {"varied", "half"}
        np.testing.assert_array_equal(one.factors["half"], varied)
    only_in_test = readable(known(None, varied=varied, a=varied), known(None, varied=varied, a=half[:, [0, 0]]))
    assert all(one.factors.keys() == {"varied"} for one in only_in_test)
    for pair, message in (
        ((known(None, same=same), known(None, same=same)), "no factor .* varies: use a larger train= and test="),
        ((known(None, a=unseen), known(None, a=same)), "of the 50 train images .* 0 show the factor a, .* train="),
        ((known(None, a=same), known(None, a=unseen)), "of the 50 test images .* 0 show the factor a, .* test="),
        ((known(np.zeros(1, int)), known(np.arange(2))), "1 training images .* have one label: use a larger train="),
        ((known(np.full(9, 3)), known(np.arange(9))), "9 training images .* have one label: use a larger train="),
    ):
        with pytest.raises(DataError, match=message):
            readable(*pair)


def test_the_extra_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.decomposition", None)
    with pytest.raises(ConfigError, match=r"probes and samplers need sklearn\S*: pip install 'hourglass\[probe\]'"):
        principal(np.zeros((2, 2)), np.zeros((2, 2)), 1)
