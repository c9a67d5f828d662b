"""What a code is worth: what can be read off it, and how images made from it compare with real ones.

The extra `probe` brings what is needed.
"""

from typing import Any, NamedTuple

import numpy as np

from hourglass.core.compat.extras import imported

ROUNDING = 1e-6
"""What varies less than this share of the largest, float32 cannot tell from what does not vary."""


def optional(module: str) -> Any:
    """A module of scikit-learn or zuko; raises ConfigError where it is not installed."""
    return imported(module, "probes and samplers need", "probe")


def varying(rows: np.ndarray) -> np.ndarray:
    """(N, D) -> (D,) bool: which numbers are not the same in all rows, as far as float32 tells."""
    rows = rows.astype(np.float64)
    varies: np.ndarray = rows.std(0) > ROUNDING * np.abs(rows).max(0)
    return varies


class Components(NamedTuple):
    """Principal components of rows (N, D), in float64."""

    mean: np.ndarray
    """(D,)"""
    axes: np.ndarray
    """(d, D), orthonormal"""
    variances: np.ndarray
    """(d,), from the largest on"""

    def of(self, rows: np.ndarray) -> np.ndarray:
        """(n, D) -> (n, d)"""
        scores: np.ndarray = (rows - self.mean) @ self.axes.T
        return scores


def principal_components(rows: np.ndarray, dims: int) -> Components:
    """The first `dims` of rows (N, D), or all, by scikit-learn; its random projections have a seed.

    Those that vary less than a millionth of the first are left out: of rows in float32 they are rounding errors.
    """
    rows = rows.astype(np.float64)
    pca = optional("sklearn.decomposition").PCA(min(dims, *rows.shape), random_state=0).fit(rows)
    kept = pca.explained_variance_ >= 1e-6 * pca.explained_variance_[0]
    return Components(pca.mean_, pca.components_[kept], pca.explained_variance_[kept])
