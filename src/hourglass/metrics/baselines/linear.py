"""The optimal linear autoencoders and denoisers, in closed form."""

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from hourglass.metrics.baselines.pixels import blocks, check_count, check_images, check_pairs, mean_squared_error

EXACT_LIMIT = 4096
"""Side of the largest symmetric matrix that is decomposed in full."""
ITERATIONS = 8
OVERSAMPLED = 16
"""Of the randomised subspace iteration: passes, and directions more than are wanted"""


def work(images: Tensor, dim: int) -> float:
    """Multiply-adds, about, in finding the `dim` leading principal components of these images: see `_principal`."""
    count, pixels = len(images), images[0].numel()
    dim = min(dim, count, pixels)
    if pixels <= min(count, EXACT_LIMIT):
        return count * pixels**2 + 5.0 * pixels**3
    if count <= EXACT_LIMIT:
        return count**2 * pixels * 2 + 5.0 * count**3 + pixels * dim**2
    side = min(dim + OVERSAMPLED, pixels)
    return 2.0 * ITERATIONS * count * pixels * side + (ITERATIONS + 2) * pixels * side**2


def mean_image(train: Tensor, test: Tensor) -> float:
    """The best constant answer, the mean of the training images: `pca` with dim=0."""
    check_images(train, test)
    return _filtered_mse(_mean_only(train.flatten(1)), test.flatten(1), test.flatten(1))


def pca(train: Tensor, test: Tensor, dim: int) -> float:
    """The optimal affine autoencoder of `dim` code values (Baldi & Hornik 1989), fitted on train, measured on test.

    Exact where images or pixels are at most 4096, else by randomised subspace iteration (Halko 2011) with a fixed seed.
    Directions in which train does not vary are left out; dim >= pixels is the identity, hence 0.
    """
    check_images(train, test)
    check_count("dim", dim, 0)
    rows = test.flatten(1)  # (N, P)
    return 0.0 if dim >= rows.shape[1] else _filtered_mse(_principal(train.flatten(1), dim), rows, rows)


def pca_angles(train: Tensor, weight: Tensor) -> Tensor:
    """Principal angles between the columns of weight (P, d) and the d leading principal components of train.

    In degrees, (d,), the smallest first; 90 for each direction by which either span has fewer than d. Where the
    variances next to the d-th are close, PCA's own subspace is ill determined. Source: Björck & Golub 1973.
    """
    check_images(train)
    wanted = weight.shape[1]
    u, sizes, _ = torch.linalg.svd(weight.detach().double().cpu(), full_matrices=False)
    span = u[:, sizes > sizes.max() * max(weight.shape) * torch.finfo(torch.float64).eps]
    vectors = _principal(train.flatten(1), wanted).vectors
    cosines = torch.linalg.svdvals(span.T @ vectors)
    sines = torch.linalg.svdvals(span - vectors @ (vectors.T @ span)).flip(0)[: len(cosines)]  # exact near 0
    angles = torch.where(cosines**2 > 0.5, sines.clamp(max=1).asin(), cosines.clamp(max=1).acos())
    return torch.cat([angles.rad2deg(), angles.new_full((wanted - len(angles),), 90.0)])


def ppca(train: Tensor, test: Tensor, dim: int) -> float:
    """Mean of -log p of a test image, nats, under the probabilistic PCA of `dim` values that maximises p of train.

    p = N(mean, W Wᵀ + σ²I); the leading `dim` eigenvalues of the covariance stay, σ² is the mean of all others. It is
    the best ELBO of a linear variational autoencoder with one learned σ² (Tipping & Bishop 1999; Lucas et al. 2019).
    -inf where train varies in no more than `dim` directions, so that σ² is 0.
    """
    check_images(train, test)
    check_count("dim", dim, 0)
    rows, pixels = test.flatten(1), test[0].numel()
    basis = _principal(train.flatten(1), dim)
    found = len(basis.variances)
    rest = basis.total - basis.variances.sum().item()
    if found < dim or dim >= pixels or rest <= 1e-9 * basis.total:
        return -math.inf
    variance = rest / (pixels - dim)
    total = 0.0
    for x in blocks(rows):
        inside = (x - basis.mean) @ basis.vectors  # (n, dim)
        outside = (x - basis.mean).square().sum(1) - inside.square().sum(1)
        total += ((inside.square() / basis.variances).sum(1) + outside / variance).sum().item()
    log_determinant = basis.variances.log().sum().item() + (pixels - dim) * math.log(variance)
    return 0.5 * (pixels * math.log(2 * math.pi) + log_determinant + total / len(rows))


def patch_pca(train: Tensor, test: Tensor, patch: int, channels: int) -> float:
    """The linear convolutional autoencoder with k = s = patch, no bias: uncentred SVD of the patches, `channels` kept.

    Where patch does not divide the size, cells at the right, the bottom and the corner hold fewer real pixels. Padded
    by zeros, with the error on real pixels only, they make a weighted low-rank problem without closed form (the SVD of
    the padded patches is not its optimum). So each of the four kinds of cell gets the optimal basis of its real pixels:
    the exact optimum where patch divides the size, and a lower bound on train for shared weights where it does not.
    No bound for convolutions that see beyond their cell (k > s), nor for learned biases.
    """
    check_images(train, test)
    check_count("patch", patch, 1)
    check_count("channels", channels, 1)
    error = 0.0
    for train_rows, test_rows in zip(_cells(train, patch), _cells(test, patch), strict=True):
        if channels < test_rows.shape[1]:
            basis = _principal(train_rows, channels, centred=False)
            error += _filtered_mse(basis, test_rows, test_rows) * test_rows.numel()
    return error / test.numel()


def wiener(
    train_clean: Tensor, test_corrupted: Tensor, test_clean: Tensor, noise_std: float, rank: int | None = None
) -> float:
    """The optimal affine denoiser of rank `rank` (None: full) for x + N(0, noise_std^2), not clipped.

    mean + V diag(l / (l + noise_std^2)) V^T (y - mean), with l, V the leading eigenpairs of the covariance of train.
    """
    check_images(train_clean, test_clean)
    check_pairs(test_corrupted, test_clean)
    basis = _principal(train_clean.flatten(1), _wiener_rank(train_clean, noise_std, rank))
    return _filtered_mse(basis, test_corrupted.flatten(1), test_clean.flatten(1), noise_std)


def wiener_filter(train_clean: Tensor, noise_std: float) -> Callable[[Tensor], Iterator[Tensor]]:
    """What makes the answers of the full-rank `wiener` to corrupted images: blocks of (n, C·H·W), float64."""
    basis = _principal(train_clean.flatten(1), _wiener_rank(train_clean, noise_std, None))
    return lambda corrupted: _filtered(basis, corrupted.flatten(1), noise_std)


def wiener_expected(train: Tensor, noise_std: float, rank: int | None = None) -> float:
    """Expected MSE of `wiener` on train: (sum_{i<=rank} l s^2 / (l + s^2) + sum_{i>rank} l) / pixels, s = noise_std."""
    check_images(train)
    basis = _principal(train.flatten(1), _wiener_rank(train, noise_std, rank))
    removed = basis.variances.square() / (basis.variances + noise_std**2)  # = l - l s^2 / (l + s^2)
    return (basis.total - removed.sum().item()) / train[0].numel()


def affine_denoiser(train_corrupted: Tensor, train_clean: Tensor, test_corrupted: Tensor, test_clean: Tensor) -> float:
    """The affine least-squares map from corrupted to clean, fitted on pairs: for any corruption.

    Plain least squares overfits: by N / (N - P) at N pairs of P pixels, and without bound where masked pixels hardly
    vary. So it is ridge regression, its strength from generalised cross-validation (Golub, Heath & Wahba 1979). Several
    corruptions of each image, stacked, bring it nearer to the marginalised optimum (Chen 2012).
    """
    check_images(train_clean, test_clean)
    check_pairs(train_corrupted, train_clean)
    check_pairs(test_corrupted, test_clean)
    source, target = train_corrupted.flatten(1), train_clean.flatten(1)  # (N, P)
    count, pixels = source.shape
    if min(count, pixels) > EXACT_LIMIT:
        raise ValueError(f"affine_denoiser takes {EXACT_LIMIT} images or pixels, not {count} and {pixels}: give fewer")
    basis, target_basis = _principal(source, pixels), _mean_only(target)
    cross = torch.zeros_like(basis.vectors)  # (P, d): covariance of clean pixels with components of corrupted images
    for noisy, clean in zip(blocks(source), blocks(target), strict=True):
        cross += (clean - target_basis.mean).T @ ((noisy - basis.mean) @ basis.vectors) / count

    ridges = torch.logspace(-6, 2, 33, dtype=torch.float64)[:, None] * basis.total / pixels  # (33, 1)
    gains = 1 / (basis.variances + ridges)  # (33, d)
    freedom = 1 + (basis.variances * gains).sum(1)
    residual = target_basis.total - (cross.square().sum(0) * (2 * gains - basis.variances * gains.square())).sum(1)
    best = (residual / (1 - freedom / count).square()).argmin()
    answers = (
        target_basis.mean + ((noisy - basis.mean) @ basis.vectors * gains[best]) @ cross.T
        for noisy in blocks(test_corrupted.flatten(1))
    )
    return mean_squared_error(answers, test_clean.flatten(1))


class _Basis(NamedTuple):
    mean: Tensor  # (P,)
    variances: Tensor  # (d,), largest first, all above 0
    vectors: Tensor  # (P, d), orthonormal
    total: float  # the sum of all P variances


def principal_components(train: Tensor, dim: int) -> _Basis:
    """Mean and the `dim` leading components of images, those in which they vary."""
    return _principal(train.flatten(1), dim)


def _mean_only(rows: Tensor, centred: bool = True) -> _Basis:
    """The mean (or 0) of rows (N, P) and the total variance about it."""
    mean = torch.zeros(rows.shape[1], dtype=torch.float64)
    if centred:
        mean = sum((x.sum(0) for x in blocks(rows)), mean) / len(rows)
    total = sum((x - mean).square().sum().item() for x in blocks(rows)) / len(rows)
    return _Basis(mean, mean[:0], mean.new_zeros(len(mean), 0), total)


def _principal(rows: Tensor, dim: int, centred: bool = True) -> _Basis:
    """The `dim` leading eigenpairs of the covariance (or second moment) of rows (N, P); fewer at lower rank."""
    basis = _mean_only(rows, centred)
    count, pixels = rows.shape
    dim = min(dim, count, pixels)
    if pixels <= min(count, EXACT_LIMIT):
        variances, vectors = torch.linalg.eigh(_covariance_times(rows, basis.mean))
    elif count <= EXACT_LIMIT:  # the Gram matrix has the same eigenvalues, and X^T u are the vectors
        x = torch.cat(list(blocks(rows))) - basis.mean
        variances, u = torch.linalg.eigh(x @ x.T / count)
        vectors = x.T @ u
    else:
        seeded = torch.Generator().manual_seed(0)
        q = torch.randn(pixels, min(dim + OVERSAMPLED, pixels), dtype=torch.float64, generator=seeded)
        for _ in range(ITERATIONS):
            q = torch.linalg.qr(_covariance_times(rows, basis.mean, q)).Q
        variances, u = torch.linalg.eigh(q.T @ _covariance_times(rows, basis.mean, q))
        vectors = q @ u
    variances, vectors = variances.flip(0)[:dim], vectors.flip(1)[:, :dim]
    kept = variances > basis.total * max(count, pixels) * torch.finfo(torch.float64).eps
    return basis._replace(variances=variances[kept], vectors=torch.linalg.qr(vectors[:, kept]).Q)


def _covariance_times(rows: Tensor, mean: Tensor, right: Tensor | None = None) -> Tensor:
    """X^T X / N, or X^T X right / N, for X = rows - mean (N, P)."""
    centred = (x - mean for x in blocks(rows))
    return sum((x.T @ (x if right is None else x @ right) for x in centred), torch.zeros(())) / len(rows)


def _filtered(basis: _Basis, rows: Tensor, noise_std: float) -> Iterator[Tensor]:
    """mean + V diag(l / (l + noise_std^2)) V^T (row - mean), in blocks of rows (N, P)."""
    gains = basis.variances / (basis.variances + noise_std**2)
    for x in blocks(rows):
        yield basis.mean + ((x - basis.mean) @ basis.vectors * gains) @ basis.vectors.T


def _filtered_mse(basis: _Basis, rows: Tensor, targets: Tensor, noise_std: float = 0.0) -> float:
    """MSE of `_filtered` against targets (N, P)."""
    return mean_squared_error(_filtered(basis, rows, noise_std), targets)


def _cells(images: Tensor, patch: int) -> Iterator[Tensor]:
    """The inner, right, bottom and corner cells of images, those that exist, each kind as rows (cells, C*h*w)."""
    height, width = images.shape[2:]
    y, x = height - height % patch, width - width % patch
    for band, h in ((images[:, :, :y], patch), (images[:, :, y:], height - y)):
        for part, w in ((band[..., :x], patch), (band[..., x:], width - x)):
            if part.numel():
                cells = part.unfold(2, h, h).unfold(3, w, w)  # (N, C, rows, columns, h, w)
                yield cells.permute(0, 2, 3, 1, 4, 5).flatten(3).flatten(0, 2)


def _wiener_rank(train: Tensor, noise_std: float, rank: int | None) -> int:
    if noise_std < 0:
        raise ValueError(f"noise_std={noise_std} is negative: give the standard deviation in units of [0, 1]")
    full = min(len(train), train[0].numel())
    if rank is None and full > EXACT_LIMIT:
        raise ValueError(f"a full-rank Wiener filter takes {EXACT_LIMIT} images or pixels, not {full}: give a rank")
    if rank is not None:
        check_count("rank", rank, 0)
    return full if rank is None else rank
