"""New codes like those of the training images: (N, D) -> (n, D), the same for the same seed."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from hourglass.core.errors import ConfigError, DataError
from hourglass.metrics.codes import optional, principal_components, varying

STEPS = 1000
"""Of expectation maximisation, at most: digits take more than the 100 of scikit-learn"""
AT_ONCE = 256
"""Codes in a step of the flow's training"""


def gmm(codes: np.ndarray, n: int, seed: int, *, components: int, dims: int) -> np.ndarray:
    """Of a mixture of Gaussians with full covariances, in the `dims` principal components of the codes.

    Raises ConfigError for more Gaussians than codes.
    """
    if components > len(codes):
        raise ConfigError(
            f"components={components} Gaussians cannot be fitted to the codes of {len(codes)} training images: use "
            f"components={len(codes)} or fewer, or a larger train="
        )

    def draw(reduced: np.ndarray) -> np.ndarray:
        settings = {"reg_covar": 1e-4, "max_iter": STEPS, "random_state": seed}
        mixture = optional("sklearn.mixture").GaussianMixture(components, **settings).fit(reduced)
        drawn: np.ndarray = np.random.default_rng(seed).permutation(mixture.sample(n)[0])  # else sorted by component
        return drawn

    return _in_principal_components(codes, dims, draw)


def flow(codes: np.ndarray, n: int, seed: int, *, steps: int, dims: int) -> np.ndarray:
    """Of a neural spline flow, trained by maximum likelihood in the `dims` principal components of the codes.

    Source: Durkan et al. 2019.
    """
    flows = optional("zuko.flows")

    def draw(reduced: np.ndarray) -> np.ndarray:
        known = torch.from_numpy(reduced).float()
        with torch.random.fork_rng(devices=[]), torch.enable_grad():
            torch.manual_seed(seed)
            model = flows.NSF(known.shape[1], transforms=3, hidden_features=(64, 64))
            optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
            schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
            for _ in range(steps):
                loss = -model().log_prob(known[torch.randint(len(known), (AT_ONCE,))]).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
            drawn: np.ndarray = model().sample((n,)).detach().double().numpy()
        return drawn

    return _in_principal_components(codes, dims, draw)


def frequencies(codes: Tensor, n: int, seed: int) -> Tensor:
    """(N, …) whole numbers -> (n, …): each position by its own frequencies, whatever stands at the others."""
    rows = torch.randint(len(codes), (n, codes[0].numel()), generator=torch.Generator().manual_seed(seed))
    return codes.flatten(1).gather(0, rows.to(codes.device)).view(n, *codes.shape[1:])


def _in_principal_components(codes: np.ndarray, dims: int, draw: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """`draw` sees those that vary, with unit variance; what is beyond is left at its mean.

    Raises DataError for codes that do not vary.
    """
    if not varying(codes).any():
        raise DataError(
            f"the {codes.shape[1]} numbers of a code are the same for all {len(codes)} training images, its units are "
            "dead, so there is nothing to draw from: train again, as with activation=leaky_relu or a smaller "
            "optimizer.lr"
        )
    pca = principal_components(codes, dims)
    scale = np.sqrt(pca.variances)
    return draw(pca.of(codes) / scale) * scale @ pca.axes + pca.mean
