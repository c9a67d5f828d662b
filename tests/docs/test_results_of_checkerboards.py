"""docs/results: checkerboards, as the kept CSVs have them."""

import math
from collections.abc import Iterator

import pandas as pd

from helpers.published import against, alone, assert_says, cell, holm, mean, of_the_images, row, table
from hourglass.core.text import p_value
from hourglass.report.analysis import stats

CELLS = [("mnist5k", "none"), ("mnist5k", "dense"), ("synthetic", "none"), ("synthetic", "dense")]


def of_checkerboards() -> Iterator[str]:
    for decoder in ("transpose", "subpixel", "resize", "max_unpool"):
        shares = []
        for data, latent in CELLS:
            rows = cell("checkerboard", data=data, latent=latent, decoder=decoder)
            share = of_the_images(rows, "phase_bias_2")
            shares.append(f"{share.mean():.2f} ({share.min():.2f}–{share.max():.2f})")
        yield row(decoder, *shares)
    for metric in ("mse", "ssim"):
        for decoder in ("transpose", "subpixel", "max_unpool"):
            cells = [cell("checkerboard", data=data, latent=latent) for data, latent in CELLS]
            differences = [against(rows, "decoder", decoder, "resize", f"test/{metric}") for rows in cells]
            yield row(f"{decoder}, {metric.upper()}", *differences)
    peaks = table("checkerboard").groupby("decoder")["init/harmonic_peak_2"].agg(["min", "max"])
    low, high = (peaks.loc["transpose", end] for end in ("min", "max"))
    yield f"stands {low:.0f} to {high:.0f} dB above its neighbours with transpose"
    yield "{:.0f} to {:.0f} dB with subpixel".format(*peaks.loc["subpixel"])
    yield "at {:.0f} to {:.0f} dB with resize".format(*peaks.loc["resize"])
    real = table("checkerboard").groupby("data")["real/harmonic_peak_2"].mean()
    yield f"have {real['mnist5k']:.1f} and {real['synthetic']:.1f} dB"
    bits = cell("checkerboard", data="mnist5k", latent="none", decoder="max_unpool")["cost/index_bits"].unique()
    yield f"{bits.item():,} bits of positions for a digit"
    for data, where in (("mnist5k", "on the digits and"), ("synthetic", "on gratings and bars")):
        found = against(cell("checkerboard_macs", data=data), "decoder", "transpose", "resize", "test/mse")
        yield f"at {found} {where}"


def decay() -> pd.DataFrame:
    """The runs of every length; a sweep of one length does not repeat it in its rows."""
    return pd.concat([table("grid_decay"), table("grid_decay_16384").assign(**{"trainer.max_steps": 16384})])


def over_chance(rows: pd.DataFrame, quantile: str = "") -> pd.Series:
    """The imbalance of the error over what chance gives, its mean or its quantile `_95`."""
    return rows["test/phase_error_imbalance_2"] / rows[f"test/phase_error_chance{quantile}_2"]


def of_the_decay() -> Iterator[str]:
    """By kernel and length: phase bias over the images own, and the imbalance of the error over what chance gives."""
    lengths = (16, 64, 256, 1024, 4096, 16384)
    by_kernel = dict(iter(decay().groupby("decoder.kernel_size")))
    assert list(by_kernel) == [2, 3, 4, 5, 6]
    for kernel, own in by_kernel.items():
        cells = [f"{(own['init/phase_bias_2'] / own['real/phase_bias_2']).mean():,.0f}"]
        for steps in lengths:
            rows = own[own["trainer.max_steps"] == steps]
            share = of_the_images(rows, "phase_bias_2")
            cells.append(f"{share.mean():.2f} ({share.min():.2f}–{share.max():.2f})")
        yield row(f"k={kernel}", *cells)
    for kernel, own in by_kernel.items():
        means = over_chance(own).groupby(own["trainer.max_steps"]).mean()
        errors = [mean(own[own["trainer.max_steps"] == steps]["test/mse"], 5) for steps in lengths[-2:]]
        yield row(f"k={kernel}", *(f"{means[steps]:.1f}" for steps in lengths), *errors)


def bounds_of_the_decay() -> Iterator[str]:
    rows = decay()
    bias = rows.groupby("decoder.kernel_size")["init/phase_bias_2"].mean()
    yield f"the means are {bias.min():.2f} to {bias.max():.2f}"
    late = rows[rows["trainer.max_steps"] >= 1024]
    assert (of_the_images(late, "phase_bias_2") < 2).all()
    longest = rows[rows["trainer.max_steps"] == 16384]
    shares = [
        of_the_images(longest, f"{name}_2").groupby(longest["decoder.kernel_size"]).mean()
        for name in ("phase_bias", "detrended_phase_bias")
    ]
    yield f"the same to {math.ceil(100 * (shares[0] - shares[1]).abs().max()) / 100:.2f}"
    yield f"all runs are within {of_the_images(longest, 'phase_bias_2').max():.2f} times the images' phase bias"
    by_kernel = longest.set_index("decoder.kernel_size")
    of_three = over_chance(by_kernel).loc[3]
    yield f"k = 3 has {of_three.min():.1f} to {of_three.max():.1f} times the imbalance of chance"
    every = over_chance(by_kernel).groupby(level=0).mean().mean()
    yield f"{every:.1f} times what chance gives in the mean of the kernels"
    above = (over_chance(by_kernel, "_95") > 1).groupby(level=0).sum()
    assert above[3] == 6
    yield f"in {above[2]}, {above[4]}, {above[5]} and {above[6]} of those of 2, 4, 5 and 6"
    digits = cell("upsamplers", **{"trainer.max_steps": 250})
    of_decoders = over_chance(digits).groupby(digits["decoder"]).mean()
    yield f"as much of it, {of_decoders['resize']:.1f} times, and transpose {of_decoders['transpose']:.1f}"
    two = late[late["decoder.kernel_size"] == 2].groupby("trainer.max_steps")
    away = max(abs(of_the_images(of_it, "phase_bias_2").mean() - 1) for _, of_it in two)
    yield f"within {100 * away:.0f} % of it from 1,024 steps on with kernel 2"
    photographs = cell("upsamplers_photos", decoder="transpose")["test/harmonic_excess_2"].mean()
    yield f"the harmonics of kernel 3 stand {photographs:.1f} dB higher"
    early = rows[rows["trainer.max_steps"] == 64].groupby("decoder.kernel_size")["test/phase_bias_2"].mean()
    assert max(early[4], early[6]) < early[3]
    assert early[4] > early[5]


def of_the_losses() -> Iterator[str]:
    rows = table("losses")
    losses, decoders = ("mse", "l1", "ms_ssim", "lpips"), ("resize", "subpixel", "transpose4", "transpose")
    above = {}
    for loss in losses:
        for decoder in decoders:
            own = rows[(rows["loss"] == loss) & (rows["decoder"] == decoder)]
            excess = own["test/harmonic_excess_2"]
            above[loss, decoder] = int((excess >= 3).sum())
            spread = f"{excess.mean():+.1f} ({excess.min():+.1f} to {excess.max():+.1f})"
            share = f"{of_the_images(own, 'detrended_phase_bias_2').mean():.1f}"
            ssim, top = f"{own['test/ssim'].mean():.4f}", f"{own['test/top_octave'].mean():+.1f}"
            yield row(loss, decoder, spread, share, mean(own["test/mse"], 4), ssim, top)
    by_loss = {loss: rows[rows["loss"] == loss] for loss in losses}
    found = holm("decoder", "resize", "gap/harmonic_peak_2", *by_loss.values())
    assert {p for of_it in found for p in of_it.values()} == {"0.0234"}
    raised = {}
    for decoder, own in rows.groupby("decoder"):
        values = own.pivot(index="seed", columns="loss", values="test/harmonic_excess_2")
        raised[decoder] = values["lpips"] - values["mse"]
    three, four, subpixel, resize = (
        f"{raised[name].mean():.1f} ± {stats.t_interval(raised[name]):.1f}"
        for name in ("transpose", "transpose4", "subpixel", "resize")
    )
    yield f"by {three} dB with kernel 3, {four} with kernel 4 and {subpixel} with sub-pixel"
    yield f"and of resize by {resize}"
    pixelwise = {decoder: sum(above[loss, decoder] for loss in losses[:3]) for decoder in decoders}
    assert pixelwise == {"resize": 14, "subpixel": 30, "transpose4": 29, "transpose": 30}
    assert [above["lpips", decoder] for decoder in decoders] == [7, 10, 10, 10]
    least = rows[(rows["loss"] != "lpips") & (rows["decoder"] == "transpose")]["test/harmonic_excess_2"].min()
    yield f"in every run, by {least:.1f} dB or more"
    gaps = by_loss["lpips"].pivot(index="seed", columns="decoder", values="gap/harmonic_peak_2")
    nearer = gaps["transpose"] - gaps["transpose4"]
    p = p_value(alone(by_loss["lpips"], "decoder", "transpose4", "transpose", "gap/harmonic_peak_2"))
    yield f"it is {nearer.mean():.1f} ± {stats.t_interval(nearer):.1f} dB nearer to the images (p {p}"


def test_checkerboards() -> None:
    assert_says("checkerboards.md", of_the_losses())
    assert_says("checkerboards.md", of_checkerboards())
    assert_says("checkerboards.md", of_the_decay())
    assert_says("checkerboards.md", bounds_of_the_decay())
