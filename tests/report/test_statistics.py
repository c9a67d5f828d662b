"""The statistics of the report against known answers: scipy, brute force, statsmodels, simulation."""

import itertools
import math

import numpy as np
import pytest
import scipy.integrate
import scipy.stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower
from statsmodels.stats.weightstats import ttost_paired

from hourglass.report.analysis import sign_flip, stats


def four_deviations(p: float, n: int) -> float:
    """Of a share observed in n trials: a right answer is outside once in 16,000 times."""
    return 4 * math.sqrt(p * (1 - p) / n)


@pytest.mark.parametrize("n", [2, 3, 8, 30])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_the_t_interval_is_scipys(n: int, level: float) -> None:
    values = np.random.default_rng(n).lognormal(size=n)
    low, high = scipy.stats.t.interval(level, n - 1, values.mean(), scipy.stats.sem(values))
    half = stats.t_interval(values, level)
    assert half == scipy.stats.t.ppf((1 + level) / 2, n - 1) * np.std(values, ddof=1) / np.sqrt(n)
    assert (values.mean() - half, values.mean() + half) == pytest.approx((low, high), rel=1e-12)


def test_one_value_has_no_interval() -> None:
    assert math.isnan(stats.t_interval([0.3]))
    assert math.isnan(stats.t_interval([]))


@pytest.mark.parametrize("n", [2, 5, 20])
def test_the_t_interval_covers_what_it_promises(n: int) -> None:
    draws = 3000
    samples = np.random.default_rng(0).normal(0.7, 2.0, (draws, n))
    covered = np.mean([abs(sample.mean() - 0.7) <= stats.t_interval(sample) for sample in samples])
    assert covered == pytest.approx(0.95, abs=four_deviations(0.95, draws))


def brute_force_p(d: np.ndarray) -> float:
    signs = np.array(list(itertools.product((-1, 1), repeat=len(d))))
    return float(np.mean(np.abs((signs * d).sum(1)) >= abs(d.sum()) - 1e-12))


@pytest.mark.parametrize("n", range(1, 11))
def test_the_sign_flip_p_is_that_of_all_patterns(n: int) -> None:
    for seed in range(5):
        d = np.random.default_rng([n, seed]).normal(0.5, 1, n)
        assert sign_flip.sign_flip_p(d) == pytest.approx(brute_force_p(d), abs=1e-15)


@pytest.mark.parametrize("d", [[1, 1, -1, 2], [0, 0, 0], [0, 1, 1], [3, -3, 1, 1], [0.1, 0.2, 0.3, -0.6, 0.1]])
def test_ties_and_zeros_count_as_equally_extreme(d: list[float]) -> None:
    assert sign_flip.sign_flip_p(d) == pytest.approx(brute_force_p(np.array(d, float)), abs=1e-15)


def test_the_sign_flip_p_is_scipys_permutation_test() -> None:
    d = np.random.default_rng(3).normal(0.4, 1, 8)
    theirs = scipy.stats.permutation_test((d,), np.mean, permutation_type="samples", n_resamples=np.inf)
    assert sign_flip.sign_flip_p(d) == pytest.approx(theirs.pvalue, abs=1e-12)


@pytest.mark.parametrize(("n", "p"), {3: 0.25, 5: 0.0625, 6: 0.03125, 8: 0.0078125, 10: 0.001953125}.items())
def test_the_smallest_p_is_that_of_one_sign(n: int, p: float) -> None:
    assert sign_flip.smallest_p(n) == p == sign_flip.sign_flip_p(np.arange(1, n + 1))
    assert (p < 0.05) == (n >= sign_flip.LEAST_PAIRS)


def test_twenty_differences_are_still_exact() -> None:
    d = np.arange(1.0, 21)
    assert sign_flip.sign_flip_p(d) == sign_flip.smallest_p(20) == 2**-19
    d[0] = -1  # more extreme only: all of one sign; each with its opposite
    assert sign_flip.sign_flip_p(d) == 2 * 2**-19


def test_beyond_that_a_sample_gives_the_same_within_its_error(monkeypatch: pytest.MonkeyPatch) -> None:
    d = np.random.default_rng(1).normal(0.3, 1, 21)
    sampled = sign_flip.sign_flip_p(d)
    assert sampled == sign_flip.sign_flip_p(d)  # always the same patterns
    monkeypatch.setattr(sign_flip, "EXACT_UP_TO", 21)
    exact = sign_flip.sign_flip_p(d)
    assert 0.01 < exact < 0.9
    assert sampled == pytest.approx(exact, abs=four_deviations(exact, sign_flip.SAMPLED))


def test_the_smallest_sampled_p_is_that_of_the_sample() -> None:
    assert sign_flip.sign_flip_p(np.ones(40)) == sign_flip.smallest_p(40) == 1 / (sign_flip.SAMPLED + 1)
    assert sign_flip.smallest_p(21) == 1 / (sign_flip.SAMPLED + 1)


def test_without_an_effect_the_sign_flip_test_is_wrong_as_often_as_it_says() -> None:
    draws = 3000
    samples = np.random.default_rng(0).normal(size=(draws, 8))
    share = np.mean([sign_flip.sign_flip_p(sample) < 0.05 for sample in samples])
    assert share == pytest.approx(12 / 256, abs=four_deviations(12 / 256, draws))


def test_nothing_and_what_is_no_number_have_no_p() -> None:
    assert math.isnan(sign_flip.sign_flip_p([]))
    assert math.isnan(sign_flip.sign_flip_p([0.1, math.nan]))
    assert math.isnan(sign_flip.smallest_p(0))


@pytest.mark.parametrize("m", [1, 2, 7, 30])
def test_holm_is_that_of_statsmodels(m: int) -> None:
    p = np.random.default_rng(m).random(m) ** 3
    assert stats.holm(p) == pytest.approx(multipletests(p, method="holm")[1], abs=1e-15)


def test_holm_leaves_out_what_has_no_p() -> None:
    adjusted = stats.holm([0.01, math.nan, 0.04, 0.03])
    assert math.isnan(adjusted[1])
    assert adjusted[[0, 2, 3]] == pytest.approx(multipletests([0.01, 0.04, 0.03], method="holm")[1])
    assert len(stats.holm([])) == 0


@pytest.mark.parametrize("n", [2, 6, 10, 30])
def test_equivalence_within_one_margin_is_that_of_statsmodels(n: int) -> None:
    for seed in range(5):
        d = np.random.default_rng([n, seed]).normal(0.2, 0.5, n)
        theirs, *_ = ttost_paired(d, np.zeros(n), -0.5, 0.5)
        assert stats.equivalence_p(d, 0.5) == pytest.approx(theirs, rel=1e-9)


def test_equivalence_within_a_share_of_the_reference_is_two_t_tests_of_scipy() -> None:
    """Is the mean of a below 1.05 times that of b, and above 0.95 times it?"""
    b = np.random.default_rng(0).normal(1, 0.1, 10)
    a = b * 1.01 + np.random.default_rng(1).normal(0, 0.02, 10)
    below = scipy.stats.ttest_1samp(a - 1.05 * b, 0, alternative="less").pvalue
    above = scipy.stats.ttest_1samp(a - 0.95 * b, 0, alternative="greater").pvalue
    assert stats.equivalence_p(a - b, 0.05 * b) == pytest.approx(max(below, above), rel=1e-9)
    assert 1e-6 < max(below, above) < 0.05


def test_equivalence_is_a_90_percent_interval_inside_the_margin() -> None:
    d = np.random.default_rng(2).normal(0.1, 0.3, 9)
    reach = abs(d.mean()) + stats.t_interval(d, 0.9)
    assert stats.equivalence_p(d, reach * 1.0001) < 0.05 < stats.equivalence_p(d, reach * 0.9999)


def test_differences_that_are_all_alike_are_certain_and_what_has_none_is_not() -> None:
    assert stats.equivalence_p([0.0] * 6, 0.1) < 1e-12
    assert stats.equivalence_p([0.2] * 6, 0.1) > 1 - 1e-12
    for d, margin in (([0.1], 0.1), ([], 0.1), ([0.1, math.nan], 0.1), ([0.1, 0.2], math.nan), ([0.0, 0.0], 0.0)):
        assert math.isnan(stats.equivalence_p(d, margin))


@pytest.mark.parametrize("effect", [0.3, 0.5, 1.0])
@pytest.mark.parametrize("comparisons", [1, 5])
def test_the_seeds_that_show_a_difference_are_those_of_statsmodels(effect: float, comparisons: int) -> None:
    d = np.array([-1.0, 1.0] * 5)
    d /= d.std(ddof=1)
    theirs = TTestPower().solve_power(effect, power=0.8, alpha=0.05 / comparisons)
    assert stats.seeds_needed(d, effect, comparisons)[0] == math.ceil(theirs)


def tost_power(n: int, margin: float, alpha: float) -> float:
    """Exact, for a spread of 1 and no difference: the mean is normal, the variance independent of it chi squared."""
    t = scipy.stats.t.ppf(1 - alpha, n - 1)

    def given(s2: float) -> float:
        room = margin - t * math.sqrt(s2 / n)
        inside = scipy.stats.norm.cdf(room * math.sqrt(n)) * 2 - 1 if room > 0 else 0
        return inside * scipy.stats.chi2.pdf(s2 * (n - 1), n - 1) * (n - 1)

    return scipy.integrate.quad(given, 0, n * (margin / t) ** 2, limit=200)[0]


@pytest.mark.parametrize("margin", [0.3, 0.5, 1.0])
@pytest.mark.parametrize("comparisons", [1, 5])
def test_the_seeds_that_show_equivalence_have_the_power_that_they_promise(margin: float, comparisons: int) -> None:
    d = np.array([-1.0, 1.0] * 5)
    needed = int(stats.seeds_needed(d / d.std(ddof=1), margin, comparisons)[1])
    alpha = 0.05 / comparisons
    assert tost_power(needed - 1, margin, alpha) < 0.8 <= tost_power(needed, margin, alpha) + 1e-9


def test_without_a_spread_or_a_margin_nobody_knows_how_many_seeds() -> None:
    for d, margin in (([0.1], 0.1), ([0.0, 0.0], 0.1), ([0.1, 0.2], math.nan), ([0.1, math.nan], 0.1)):
        assert all(map(math.isnan, stats.seeds_needed(d, margin)))
    assert stats.seeds_needed([-1.0, 1.0], 1e-4) == (math.inf, math.inf)
    assert stats.seeds_needed([-1e-9, 1e-9], 1.0) == (6, 6)
    assert stats.seeds_needed([-1e-9, 1e-9], 1.0, 20) == (10, 6)  # so many signs are needed for so many comparisons


def test_the_correlation_is_scipys() -> None:
    a, b = np.random.default_rng(4).normal(size=(2, 8))
    assert stats.correlation(a, b) == pytest.approx(scipy.stats.pearsonr(a, b).statistic, abs=1e-12)
    for a, b in (([1, 2], [1, 2]), ([1, 1, 1], [1, 2, 3]), ([1, 2, math.nan], [1, 2, 3])):
        assert math.isnan(stats.correlation(a, b))
