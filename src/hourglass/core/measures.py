"""What is measured of a run, by the last part of its name: title, meaning, unit, and which values are the better ones.

The home of all that Hourglass itself logs. A part of another package describes what it logs with a `Measure` of its
own, which goes into `summary.json`. No torch in here: the report reads this too.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Literal

Better = Literal["lower", "higher", "real"]
"""`real`: neither end is, the value is held against that of the real images."""
Direction = Literal["lower", "higher"]
ANY = (-inf, inf)
NUMBERED = re.compile(r"(.+)_(\d+)$")


@dataclass(frozen=True)
class Measure:
    """What one number says. Without `better` it is shown, and nothing is ranked by it."""

    title: str
    """{} stands for the number behind the name: `phase_bias_2`"""
    meaning: str = ""
    better: Better | None = None
    unit: str = ""
    """`dB`: a logarithm already, so that a difference says something, and a ratio nothing"""
    per_image: bool = False
    """Is it the mean of a value that every image has by itself?"""
    bounds: tuple[float, float] = ANY
    """Between which every value lies, but for rounding"""

    @property
    def full_title(self) -> str:
        """`PSNR, dB`"""
        return f"{self.title}, {self.unit}" if self.unit else self.title


MEASURES = {
    "loss": Measure("loss", "What the training minimises, a mean over pixels.", "lower", per_image=True),
    "mse": Measure(
        "MSE", "Mean squared error of a pixel, with pixels in [0, 1].", "lower", per_image=True, bounds=(0, inf)
    ),
    "sampled_mse": Measure(
        "MSE at a sample", "MSE of the image that a sample of a Gaussian code gives, not its mean.", "lower",
        bounds=(0, inf),
    ),
    "psnr": Measure("PSNR", "10 log₁₀(1 / MSE), of the mean error over all images.", "higher", "dB"),
    "psnr_per_image": Measure("PSNR per image", "The mean of each image's own PSNR.", "higher", "dB", per_image=True),
    "psnr_input": Measure("PSNR of the input", "PSNR of the corrupted input as it is.", "higher", "dB"),
    "psnr_gain": Measure("gain", "PSNR of the reconstruction minus that of the corrupted input.", "higher", "dB"),
    "ssim": Measure(
        "SSIM", "Structural similarity to the target, of windows inside the image; 1 where they are equal.", "higher",
        per_image=True, bounds=(-1, 1),
    ),
    "ms_ssim": Measure(
        "MS-SSIM", "Structural similarity at several scales; 1 where they are equal.", "higher", per_image=True,
        bounds=(0, 1),
    ),
    "kl": Measure("KL", "How far the code of an image is from the prior, in nats.", "lower", "nats"),
    "reconstruction": Measure(
        "reconstruction", "Reconstruction loss, summed over the pixels of an image.", "lower", "nats"
    ),
    "elbo": Measure("ELBO", "Evidence lower bound of an image: minus reconstruction, minus KL.", "higher", "nats"),
    "pca_angle": Measure(
        "angle to PCA", "Largest principal angle between what a linear decoder spans and the principal components.",
        "lower", "°", bounds=(0, 90),
    ),
    "pca_angle_mean": Measure(
        "mean angle to PCA", "Mean of the principal angles between what a linear decoder spans and the principal "
        "components.", "lower", "°", bounds=(0, 90),
    ),
    "iwae": Measure(
        "importance-weighted bound, {} samples",
        "Lower bound of the log likelihood of an image, tighter the more samples; the ELBO is that of one.",
        "higher", "nats",
    ),
    "perplexity": Measure(
        "perplexity", "As many codes, equally often chosen, would be as uncertain: exp of the entropy of the choices.",
        bounds=(1, inf),
    ),
    "usage": Measure("codebook usage", "Share of the codes that the images of the set choose at all.", bounds=(0, 1)),
    "dead_codes": Measure("dead codes", "Codes that no image of the set chooses.", bounds=(0, inf)),
    "phase_bias": Measure(
        "phase bias, stride {}", "Share of an image's variance that is a pattern of the stride's period, 0 to 1.",
        "real", bounds=(0, 1),
    ),
    "detrended_phase_bias": Measure(
        "detrended phase bias, stride {}", "Phase bias without the image's own trends, which look like a pattern.",
        "real", bounds=(0, 1),
    ),
    "phase_imbalance": Measure(
        "phase imbalance, stride {}",
        "Energy of fine detail by phase of the stride: (most - least) / (most + least), 0 if all are equal.", "real",
    ),
    "harmonic_peak": Measure(
        "harmonic peak, stride {}",
        "Power at the stride's harmonics relative to that beside them: above 0 a pattern, below 0 a gap.", "real", "dB",
    ),
    "harmonic_excess": Measure(
        "harmonic excess, stride {}",
        "Harmonic peak of the output less that of the real images: 0 if its harmonics are as strong.", unit="dB",
    ),
    "harmonic_excess_interval": Measure(
        "interval of the harmonic excess, stride {}", "Half its 95 % interval, over the test images.", unit="dB"
    ),
    "top_octave": Measure(
        "top octave", "Power of the output over that of the target, of detail finer than 4 pixels: below 0 it is "
        "lacking, above 0 it is made up.", unit="dB",
    ),
    "phase_error_imbalance": Measure(
        "phase error imbalance, stride {}", "The same of the error: 0 if its energy is equal in all phases.", "lower"
    ),
    "phase_error_chance": Measure(
        "phase error imbalance by chance, stride {}",
        "What as many images give on average if their errors prefer no phase: read the imbalance against this.",
    ),
    "phase_error_chance_95": Measure(
        "phase error imbalance by chance, 95 %, stride {}", "Exceeded by chance alone in one case of twenty."
    ),
    "flat_field_ripple": Measure(
        "flat-field ripple, stage {}",
        "Pattern that a stage of the decoder puts on a flat field, over the spread of its outputs; 0 if none.", "lower",
    ),
    "shift_consistency": Measure(
        "shift consistency, {} px", "Of the output of a shifted image, held against the shifted output: PSNR.",
        "higher", "dB",
    ),
    "chance": Measure("the most frequent label", "Accuracy of the label that is most frequent in training."),
}  # fmt: skip
OBJECTIVE = ("loss", "reconstruction", "elbo", "sampled_mse")
"""What the training module itself logs."""
OF_LATENTS = ("kl", "perplexity", "usage")
"""Numbers of ours that only a latent may log: an ELBO is made of `kl`."""
GROUPS = {
    "test": "On the test images",
    "probe": "What its codes are worth",
    "sample": "Of samples",
    "ratio": "Relative to a baseline",
    "cost": "Cost",
    "gap": "Distance from the real images",
    "init": "Before the first step",
    "val": "On the validation images",
    "train": "On the training images",
    "real": "Of the real images",
    "baseline": "Baselines",
}
"""What stands before the / of a name -> what it is called, in the order of the page."""
COSTS = {
    "macs_per_image": Measure(
        "multiply-adds per image", "Multiplications, each with its addition, in one forward pass.", "lower"
    ),
    "macs_fused_per_image": Measure(
        "fused multiply-adds per image", "The same where operators take their cheapest exact form, such as one "
        "transposed convolution for nearest and convolution.", "lower",
    ),
    "decoder_macs": Measure("multiply-adds of the decoder", "Those of the decoder alone, per image.", "lower"),
    "decoder_macs_fused": Measure("fused multiply-adds of the decoder", "Those of the decoder alone, fused.", "lower"),
    "latency_ms": Measure(
        "latency of 64 images", "Measured on the device of the run: median time of a forward pass; of several runs "
        "the least.", "lower", "ms",
    ),
    "decoder_latency_ms": Measure(
        "latency of the decoder, 64 images", "Measured, like the other: of the decoder alone.", "lower", "ms"
    ),
    "num_params": Measure("parameters", "Numbers that are learned, encoder and decoder.", "lower"),
    "decoder_params": Measure("parameters of the decoder", "Numbers that are learned in the decoder.", "lower"),
    "code_size": Measure("numbers in the code", "What the decoder is given for an image.", "lower"),
    "code_symbols": Measure("whole numbers in the code", "The symbols of a quantised code, of one image.", "lower"),
    "index_bits": Measure(
        "bits of positions", "What max unpooling passes on beside the code: where each maximum was.", "lower"
    ),
    "code_bits": Measure(
        "bits of the code", "What the decoder is given of an image, positions too: log₂ of the choices where the code "
        "is quantised, its KL where it is Gaussian, else 32 for each number.", "lower",
    ),
    "bits_per_pixel": Measure(
        "bits per pixel", "The same over the pixels of an image, whatever its channels.", "lower"
    ),
    "train_seconds": Measure(
        "seconds of training", "Time from the first step to the last, validation included.", "lower"
    ),
    "images_per_second": Measure("images per second in training", "How fast it was trained.", "higher"),
    "peak_memory_bytes": Measure(
        "peak memory", "Measured: of the GPU where there was one, else of the whole process.", "lower", "bytes"
    ),
}  # fmt: skip
"""In the order in which quality is drawn against them."""
SAMPLES: dict[str, tuple[str, str, Better | None]] = {
    "nearest": ("MSE to the nearest training image", "Mean over the samples", None),
    "nearest_test": ("MSE to the nearest training image, of test images", "What that of samples is held against", None),
    "copies": ("copies", "Share of samples nearer to a training image than 99 % of the test images are", "lower"),
    "frechet_pca": (
        "Fréchet distance in PCA", "Of Gaussians of samples and test images in principal components of pixels; no FID",
        "lower",
    ),
    "frechet_pca_bias": ("Fréchet distance in PCA, of real images", "Of as many test images: its bias", None),
}  # fmt: skip
for _sampler in ("prior", "gmm", "flow", "frequencies"):
    MEASURES |= {
        f"{_name}_{_sampler}": Measure(f"{_title}, {_sampler}", f"{_meaning}.", _better, bounds=(-1e-6, inf))
        for _name, (_title, _meaning, _better) in SAMPLES.items()
    }
READERS = {
    "knn": ("nearest neighbours", "Accuracy on test images of the labels of the nearest training ones, by"),
    "logistic": ("logistic regression", "Accuracy on test images of logistic regression on training ones, by"),
} | {
    f"r2_{factor}": (f"R² of the {factor}", f"Share of the variance of the {factor} that a linear map explains, by")
    for factor in ("kind", "angle", "wavelength", "level")
}
for _name, (_title, _meaning) in READERS.items():
    _bounds = (-inf if _name.startswith("r2") else 0.0, 1.0)
    MEASURES |= {
        _name: Measure(_title, f"{_meaning} their codes.", "higher", bounds=_bounds),
        f"{_name}_pixels": Measure(f"{_title}, pixels", f"{_meaning} their pixels.", bounds=_bounds),
        f"{_name}_pca": Measure(
            f"{_title}, PCA", f"{_meaning} as many principal components as a code has numbers.", bounds=_bounds
        ),
    }


def unnumbered(name: str) -> str:
    """`phase_bias_2` -> `phase_bias`: without the stride, shift or stage behind it."""
    return name.rstrip("0123456789").removesuffix("_") if name not in MEASURES else name


def direction(name: str, what: Measure) -> Direction | None:
    """Which values of `test/mse`, … are the better ones; None for what has no network in it, is held against `real/`,
    or was never described."""
    if name.startswith(("real/", "baseline/")):
        return None
    if name.startswith(("gap/", "ratio/")):
        return "lower"
    return None if what.better == "real" else what.better


def find(what: str, known: Mapping[str, Measure] = MEASURES) -> tuple[Measure, str] | None:
    """`phase_bias_2` -> (what it is, the number behind its name or ""); None where it is not known."""
    numbered = NUMBERED.match(what)
    if what not in known and numbered and numbered[1] in known:
        return known[numbered[1]], numbered[2]
    return (known[what], "") if what in known else None
