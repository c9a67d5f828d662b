"""The baselines of `hourglass.metrics.baselines` as people read them. No torch in here."""

import math
from collections.abc import Mapping
from typing import NamedTuple


class Baseline(NamedTuple):
    title: str
    meaning: str
    sized_title: str = ""
    """In place of `title` where the size of the code is known"""


BASELINES = {
    "mean_image": Baseline("the mean image", "The mean of the training images in place of every image."),
    "pca": Baseline(
        "PCA", "As many principal components as the code has numbers: the best affine code.", "PCA of {:,} numbers"
    ),
    "pca_bits": Baseline(
        "PCA in as many bits", "Principal components, quantised and entropy-coded, in the bits of a quantised code."
    ),
    "patch_pca": Baseline("PCA of patches", "The best linear convolution whose patches do not overlap."),
    "pool_nearest": Baseline(
        "average pooling + nearest", "Average pooling to the grid of the code, and nearest neighbour back."
    ),
    "pool_bicubic": Baseline("average pooling + bicubic", "Average pooling to the grid of the code, and bicubic back."),
    "noisy_input": Baseline("the noisy input", "The corrupted input, left as it is."),
    "wiener": Baseline("the linear Wiener filter", "The best linear denoiser, for noise of this strength."),
    "wiener_clipped": Baseline("Wiener filter, clipped", "The linear Wiener filter, its answers clipped to [0, 1]."),
    "wiener_curve": Baseline(
        "Wiener filter + curve",
        "The linear Wiener filter, and behind it one curve for all pixels, fitted to the validation images.",
    ),
    "wiener_code": Baseline(
        "Wiener filter of a code", "The best linear denoiser with as many numbers in its code.",
        "Wiener of {:,} numbers",
    ),
    "affine": Baseline("the best affine denoiser", "Fitted to the corrupted training images, for any corruption."),
    "bce_entropy": Baseline(
        "entropy of the targets (BCE)", "The lowest BCE that any reconstruction of grey pixels can have."
    ),
    "ppca": Baseline(
        "probabilistic PCA, nats", "Minus the log likelihood of an image: the best -ELBO of a linear network.",
        "probabilistic PCA of {:,}, nats",
    ),
}  # fmt: skip

RATE_CURVES = {"pca": "PCA, quantised and entropy-coded", "jpeg": "JPEG without its header"}
"""What has a rate at every distortion -> how it is called"""


def baseline_title(name: str, code_size: int) -> str:
    """`PCA of 1,568 numbers`, `the mean image`"""
    baseline = BASELINES[name]
    return (baseline.sized_title or baseline.title).format(code_size)


def ratios(baselines: Mapping[str, float], mse: float, bce: float = math.nan) -> dict[str, float]:
    """Result over baseline, lower is better; left out where the baseline is 0, or a likelihood."""
    return {
        name: (bce if name == "bce_entropy" else mse) / baseline
        for name, baseline in baselines.items()
        if baseline > 1e-9 and name != "ppca"
    }
