"""docs/results: the way up on other images than digits, as the kept CSVs have it."""

from collections.abc import Iterator

import pandas as pd

from helpers.published import against, alone, assert_says, cell, holm, needed, of_the_images, row, table, tuned
from hourglass.core.text import p_value


def by_error(name: str) -> Iterator[str]:
    """The lines of a table by error, with the phase bias over that of the images, and the harmonic excess."""
    rows = table(name)
    for decoder in rows.groupby("decoder")["test/mse"].mean().sort_values().index:
        own = rows[rows["decoder"] == decoder]
        grid = of_the_images(own, "detrended_phase_bias_2")
        excess = own["test/harmonic_excess_2"]
        spread = f"{excess.mean():+.1f} ({excess.min():+.1f} to {excess.max():+.1f})"
        yield row(decoder, *tuned(rows, decoder), f"{grid.mean():.1f} ({grid.min():.1f}–{grid.max():.1f})", spread)


def seeds_above(rows: pd.DataFrame) -> dict[str, int]:
    """Decoder -> in how many seeds the harmonics exceed the images' by more than the interval over the images."""
    above = rows["test/harmonic_excess_2"] > rows["test/harmonic_excess_interval_2"]
    return {str(decoder): int(count) for decoder, count in above.groupby(rows["decoder"]).sum().items()}


def over_the_top(rows: pd.DataFrame) -> tuple[dict[str, int], str]:
    """Decoder -> seeds with more power in the top octave than the images; and the most, dB."""
    above = rows[rows["test/top_octave"] > 0]
    counts = {str(decoder): int(count) for decoder, count in above.groupby("decoder").size().items()}
    return counts, f"by up to {above['test/top_octave'].max():.1f} dB"


def of_the_photographs() -> Iterator[str]:
    yield from by_error("upsamplers_photos")
    rows = table("upsamplers_photos")
    yield f"icnr is at {against(rows, 'decoder', 'icnr', 'subpixel', 'test/mse')} of subpixel"
    (found,) = holm("decoder", "resize", "test/mse", rows)
    assert [decoder for decoder, p in found.items() if float(p) < 0.05] == ["max_unpool"]
    yield f"(Holm p {found['max_unpool']})"
    fewest = min(needed(rows, "decoder", decoder, "resize", 6)[0] for decoder in set(found) - {"max_unpool"})
    yield f"it would take {fewest:.0f} seeds and more"
    for decoder in ("transpose", "max_unpool", "transpose4"):
        yield f"{decoder} {against(rows, 'decoder', decoder, 'resize', 'test/ssim')}"
    worst = rows.pivot(index="seed", columns="decoder", values="test/mse")[["subpixel", "icnr"]].max()
    yield f"each one seed of ten at {worst['subpixel']:.4f} and {worst['icnr']:.4f}"
    medians = rows.groupby("decoder")["test/mse"].median().map("{:.5f}".format)
    yield f"medians of {medians['subpixel']} and {medians['icnr']} are below that of resize, {medians['resize']}"
    counts, most = over_the_top(rows)
    assert counts == {"transpose": 4, "max_unpool": 3}
    yield f"than the photographs, {most}: it is their grid"
    excess = rows.groupby("decoder")["test/harmonic_excess_2"].mean().map("{:.1f}".format)
    yield f"kernel 3 stand {excess['transpose']} dB higher"
    yield f"of kernel 4 {excess['transpose4']}, of sub-pixel convolution {excess['subpixel']}"
    yield f"with ICNR {excess['icnr']}, in every seed"
    yield f"of resize {excess['resize']}, and in 2 seeds of 10"
    every = dict.fromkeys(("transpose", "transpose4", "subpixel", "icnr", "max_unpool"), 10)
    assert seeds_above(rows) == {**every, "resize": 2, "bilinear": 0}
    with_trends, without = rows["real/phase_bias_2"].iloc[0], rows["real/detrended_phase_bias_2"].iloc[0]
    yield f"is {100 * (1 - without / with_trends):.0f} % trend"
    share = of_the_images(rows, "phase_bias_2").groupby(rows["decoder"]).mean()
    three, four, subpixel = (f"{share[decoder]:.1f}" for decoder in ("transpose", "transpose4", "subpixel"))
    yield f"{three} times theirs, {four} with kernel 4 and {subpixel} with sub-pixel"


def of_the_clothes() -> Iterator[str]:
    yield from by_error("upsamplers_fashion")
    rows = table("upsamplers_fashion")
    (found,) = holm("decoder", "resize", "test/mse", rows)
    order = rows.groupby("decoder")["test/mse"].mean().sort_values().index
    digits = cell("upsamplers", **{"trainer.max_steps": 250}).groupby("decoder")["test/mse"].mean()
    assert list(order) == list(digits.sort_values().index)
    yield f"max_unpool (p {found['max_unpool']}) and transpose4 ({found['transpose4']}) are better"
    yield f"bilinear is worse ({found['bilinear']}) than it; the rest is not shown"
    yield f"subpixel ({found['subpixel']}) nearly"
    assert min(float(found[decoder]) for decoder in ("transpose", "icnr")) > float(found["subpixel"]) > 0.05
    p = p_value(alone(rows, "decoder", "max_unpool", "transpose4", "test/mse"))
    yield f"at {against(rows, 'decoder', 'max_unpool', 'transpose4', 'test/mse')} of transpose4, the nearest (p {p}"
    excess = rows.groupby("decoder")["test/harmonic_excess_2"].mean()
    yield f"the harmonics of transpose stand {excess['transpose']:.1f} dB higher"
    above = seeds_above(rows)
    yield f"in {above['transpose']} seeds of 10 of transpose, {above['max_unpool']} of max_unpool"
    yield f"{above['transpose4']} of transpose4, one each of subpixel, icnr and bilinear, and none of resize"
    assert {decoder for decoder, seeds in above.items() if seeds == 1} == {"subpixel", "icnr", "bilinear"}
    assert above["resize"] == 0
    own = of_the_images(rows, "detrended_phase_bias_2")
    assert own.groupby(rows["decoder"]).mean().max() < 1
    assert set(rows["decoder"][own > 1]) == {"max_unpool"}
    yield f"icnr is at {against(rows, 'decoder', 'icnr', 'subpixel', 'test/mse')} of subpixel"
    means = rows.groupby("decoder")[["test/mse", "test/ssim"]].mean()
    assert list(means["test/mse"].sort_values().index) == list(means["test/ssim"].sort_values().index[::-1])
    assert rows["test/top_octave"].max() < 0


def of_the_emoji() -> Iterator[str]:
    yield from by_error("upsamplers_emoji")
    rows = table("upsamplers_emoji")
    (found,) = holm("decoder", "resize", "test/mse", rows)
    assert {decoder for decoder, p in found.items() if float(p) < 0.05} == {"transpose4", "bilinear"}
    assert found["transpose4"] == found["bilinear"]
    yield f"kernel 4 is better than resize, bilinear is worse** (Holm p {found['bilinear']} each)"
    yield f"icnr is at {against(rows, 'decoder', 'icnr', 'subpixel', 'test/mse')} of subpixel"
    counts, most = over_the_top(rows)
    assert counts == {"max_unpool": 2}
    yield f"Two seeds of max_unpool have more, {most}"
    excess = rows.groupby("decoder")["test/harmonic_excess_2"].mean().drop("bilinear")
    others = excess.drop("resize")
    yield f"by {excess['resize']:.1f} dB with resize and {others.min():.1f} to {others.max():.1f} dB with the others"
    assert seeds_above(rows) == {**dict.fromkeys(others.index, 10), "resize": 7, "bilinear": 0}
    unpool = rows[rows["decoder"] == "max_unpool"]["test/mse"].sort_values()
    yield f"{unpool.iloc[-1]:.4f}, and the others at {unpool.iloc[0]:.4f} to {unpool.iloc[-2]:.4f}"
    bits = rows[rows["decoder"] == "max_unpool"]["cost/index_bits"].unique().item()
    yield f"{bits:,} bits of positions beside {rows['cost/code_size'].unique().item():,} numbers"


def test_the_way_up_on_other_images() -> None:
    for claims in (of_the_clothes, of_the_emoji, of_the_photographs):
        assert_says("way_up.md", claims())
