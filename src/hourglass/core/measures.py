"""What is measured of a run, by the last part of its name: title, meaning, unit, and which values are the better ones.

The home of all that Hourglass itself logs. A part of another package describes what it logs with a `Measure` of its
own, which goes into `summary.json`. No torch in here: the report reads this too.
"""

from dataclasses import dataclass
from math import inf
from typing import Literal

Better = Literal["lower", "higher", "real"]
"""`real`: neither end is, the value is held against that of the real images."""
ANY = (-inf, inf)


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
}  # fmt: skip


def unnumbered(name: str) -> str:
    """`phase_bias_2` -> `phase_bias`: without the stride, shift or stage behind it."""
    return name.rstrip("0123456789").removesuffix("_") if name not in MEASURES else name
