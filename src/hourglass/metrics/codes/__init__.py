"""What a code is worth: what can be read off it, and how images made from it compare with real ones.

The extra `probe` brings what is needed.
"""

from typing import Any

import numpy as np

from hourglass.core.compat.extras import imported


def optional(module: str) -> Any:
    """A module of scikit-learn or zuko; raises ConfigError where it is not installed."""
    return imported(module, "probes and samplers need", "probe")


def principal_components(rows: np.ndarray, dims: int) -> Any:
    """scikit-learn's PCA of rows (N, D): the first `dims` components, or all; the random projections have a seed."""
    return optional("sklearn.decomposition").PCA(min(dims, *rows.shape), random_state=0).fit(rows)
