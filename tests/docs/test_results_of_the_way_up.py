"""docs/results: the way up, and the positions of max unpooling, as the kept CSVs have them."""

from collections.abc import Iterator

import pandas as pd

from helpers.published import against, alone, assert_says, cell, holm, mean, needed, row, table
from hourglass.core.text import p_value


def tuned(rows: pd.DataFrame, decoder: str) -> list[str]:
    """Its rate, MSE, difference from resize, SSIM and top octave."""
    own = rows[rows["decoder"] == decoder]
    difference = "0" if decoder == "resize" else against(rows, "decoder", decoder, "resize", "test/mse")
    means = f"{own['test/ssim'].mean():.4f}", f"{own['test/top_octave'].mean():.1f}"
    return [f"{own['optimizer.lr'].unique().item():g}", mean(own["test/mse"], 5), difference, *means]


def of_the_upsamplers() -> Iterator[str]:
    budgets = [cell("upsamplers", **{"trainer.max_steps": budget}) for budget in (250, 1250)]
    for decoder in ("max_unpool", "transpose4", "subpixel", "icnr", "transpose", "resize", "bilinear"):
        cells = []
        for rows in budgets:
            cells += tuned(rows, decoder)
        yield row(decoder, *cells)
    short, long = holm("decoder", "resize", "test/mse", *budgets)
    supported = [{decoder for decoder, p in of_it.items() if float(p) < 0.05} for of_it in (short, long)]
    assert supported[0] == {"max_unpool", "transpose4", "subpixel", "bilinear"}
    assert supported[1] == supported[0] | {"icnr"}
    yield f"transpose has a Holm p of {short['transpose']}"
    undecided = [(budgets[0], "transpose"), (budgets[0], "icnr"), (budgets[1], "transpose")]
    equivalence = min(needed(rows, "decoder", decoder, "resize", 12)[1] for rows, decoder in undecided)
    yield f"it would take some {equivalence:.0f} seeds and more"
    nearest = [against(rows, "decoder", "max_unpool", "transpose4", "test/mse") for rows in budgets]
    assert {alone(rows, "decoder", "max_unpool", "transpose4", "test/mse") for rows in budgets} == {2**-9}
    yield f"at {nearest[0]} and {nearest[1]} of transpose4, the nearest (p {p_value(2**-9)} each"
    yield f"icnr is at {against(budgets[1], 'decoder', 'icnr', 'subpixel', 'test/mse')} of subpixel"
    costs = table("upsamplers").groupby("decoder")[["cost/macs_fused_per_image", "cost/index_bits"]].first()
    assert costs.loc["resize", "cost/macs_fused_per_image"] == costs.loc["transpose4", "cost/macs_fused_per_image"]
    yield f"({costs.loc['resize', 'cost/macs_fused_per_image']:,} multiply-adds)"
    most = [rows.groupby("decoder")["test/harmonic_excess_2"].mean().max() for rows in budgets]
    yield f"at most {most[0]:.1f} dB higher than in the digits in the mean of any decoder at 250 steps"
    yield f"at 250 steps, and {most[1]:.1f} dB at 1,250"
    assert table("upsamplers")["test/top_octave"].max() < 0
    yield f"{costs.loc['max_unpool', 'cost/index_bits']:,} bits of positions beside the code"


def in_colour(name: str) -> Iterator[str]:
    """The lines of a table by error, with the phase bias over that of the images, and the harmonic excess."""
    rows = table(name)
    for decoder in rows.groupby("decoder")["test/mse"].mean().sort_values().index:
        own = rows[rows["decoder"] == decoder]
        grid = own["test/detrended_phase_bias_2"] / own["real/detrended_phase_bias_2"]
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
    yield from in_colour("upsamplers_photos")
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
    share = (rows["test/phase_bias_2"] / rows["real/phase_bias_2"]).groupby(rows["decoder"]).mean()
    three, four, subpixel = (f"{share[decoder]:.1f}" for decoder in ("transpose", "transpose4", "subpixel"))
    yield f"{three} times theirs, {four} with kernel 4 and {subpixel} with sub-pixel"


def of_the_emoji() -> Iterator[str]:
    yield from in_colour("upsamplers_emoji")
    rows = table("upsamplers_emoji")
    (found,) = holm("decoder", "resize", "test/mse", rows)
    assert {decoder for decoder, p in found.items() if float(p) < 0.05} == {"transpose4", "bilinear"}
    assert found["transpose4"] == found["bilinear"]
    yield f"(Holm p {found['bilinear']} each)"
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


def of_equal_time() -> Iterator[str]:
    rows = table("equal_time")
    widths = {"subpixel": 17, "transpose": 16, "resize": 5, "transpose4": 3, "bilinear": 4}
    for decoder in rows.groupby("decoder")["test/mse"].mean().sort_values().index:
        own = rows[rows["decoder"] == decoder]
        costs = own[["cost/decoder_macs", "cost/decoder_macs_fused"]].drop_duplicates().to_numpy().tolist()
        (of_it,) = [[f"{cost:,}" for cost in of_run] for of_run in costs]
        _, mse, difference, ssim, _ = tuned(rows, decoder)
        least = f"{own['cost/decoder_latency_ms'].min():.2f}"
        yield row(decoder, str(widths[decoder]), least, *of_it, mse, difference, ssim)
    (found,) = holm("decoder", "resize", "test/mse", rows)
    assert found == {"transpose": "0.0078", "subpixel": "0.0078", "bilinear": "0.0078", "transpose4": "0.25"}
    assert alone(rows, "decoder", "transpose4", "transpose", "test/mse") == 2**-9
    yield f"transpose4 is at {against(rows, 'decoder', 'transpose4', 'transpose', 'test/mse')} of transpose (p 0.0020"


def of_equal_decoders() -> Iterator[str]:
    for name in ("equal_decoders", "equal_decoders_fused"):
        for decoder in ("transpose", "transpose4", "subpixel", "resize", "bilinear"):
            own = cell(name, decoder=decoder)
            costs = [f"{own[f'cost/decoder_macs{kind}'].unique().item():,}" for kind in ("", "_fused")]
            difference = "0" if decoder == "resize" else against(table(name), "decoder", decoder, "resize", "test/mse")
            yield row(decoder, *costs, mean(own["test/mse"], 5), difference, f"{own['test/ssim'].mean():.4f}")
    of_subpixel = against(table("equal_decoders"), "decoder", "transpose4", "subpixel", "test/mse")
    p = alone(table("equal_decoders"), "decoder", "transpose4", "subpixel", "test/mse")
    yield f"transpose4 is at {of_subpixel} of subpixel (p {p_value(p)}"
    for name in ("equal_decoders", "equal_decoders_fused"):
        (found,) = holm("decoder", "resize", "test/mse", table(name))
        yield f"(Holm p {found['transpose']})"


def of_the_learning_rate() -> Iterator[str]:
    means = table("learning_rate").groupby(["decoder", "optimizer.lr"])["test/mse"].mean()
    best = {decoder: means[decoder].min() for decoder in ("transpose", "resize")}
    by_rate = table("learning_rate").groupby("optimizer.lr")
    found = [of_it["transpose"] for of_it in holm("decoder", "resize", "test/mse", *(rows for _, rows in by_rate))]
    yield f"Holm p {found[0]} at 0.0025"
    yield f"no difference is shown (Holm p {found[1]})"
    yield f"{100 * (best['transpose'] / best['resize'] - 1):.0f} %"
    for rate, rows in table("learning_rate").groupby("optimizer.lr"):
        black = rows[rows["health"].fillna("").str.contains("constant output")].groupby("decoder").size()
        cells = []
        for decoder, of_it in sorted(rows.groupby("decoder"), reverse=True):
            mse = of_it["test/mse"]
            cells += [f"{mse.mean():.5f} ({mse.median():.5f})", str(black.get(decoder, 0))]
        yield row(str(rate), *cells, against(rows, "decoder", "transpose", "resize", "test/mse"))


def of_the_positions() -> Iterator[str]:
    for name in ("positions", "positions_photos"):
        rows = table(name)
        for positions, own in rows.groupby("decoder.positions"):
            difference = "0"
            if positions != "kept":
                difference = against(rows, "decoder.positions", str(positions), "kept", "test/mse")
            bits, ssim = own["cost/index_bits"].unique().item(), f"{own['test/ssim'].mean():.4f}"
            yield row(str(positions), f"{bits:,}", mean(own["test/mse"], 5), difference, ssim)
    (found,) = holm("decoder.positions", "kept", "test/mse", table("positions_photos"))
    yield f"(Holm p {found['rows']})"
    yield f"Holm p {found['shuffled']}"


def of_the_rates_of_unpooling() -> Iterator[str]:
    for channels in ("[8,2]", "[8,4]", "[8,7]", "[8,16]", "[8,19]"):
        rows = cell("unpooling_rate", channels=channels)
        own, other = (rows[rows["decoder"] == decoder] for decoder in ("max_unpool", "transpose"))
        counts = [f"{own[f'cost/{name}'].unique().item():,}" for name in ("code_size", "index_bits")]
        means = [mean(of_it["test/mse"], 5) for of_it in (own, other)]
        difference = against(rows, "decoder", "max_unpool", "transpose", "test/mse")
        yield row(f"`{channels}`", *counts, *means, difference)
    by_rate = [rows for _, rows in table("unpooling_rate").groupby("channels")]
    (p,) = {of_it["max_unpool"] for of_it in holm("decoder", "transpose", "test/mse", *by_rate)}
    yield f"(Holm p {p} each)"
    wide = table("unpooling_rate").copy().assign(key=lambda rows: rows["decoder"] + rows["channels"])
    for wider, narrower in (("[8,7]", "[8,4]"), ("[8,19]", "[8,16]")):
        pair = f"transpose{wider}", f"max_unpool{narrower}"
        assert alone(wide, "key", *pair, "test/mse") == 2**-9
        yield f"with `{wider}`"
        yield f"at {against(wide, 'key', *pair, 'test/mse')} of max unpooling with `{narrower}`"


def test_the_way_up() -> None:
    for claims in (
        of_the_upsamplers, of_the_emoji, of_the_photographs, of_equal_decoders, of_equal_time, of_the_learning_rate
    ):  # fmt: skip
        assert_says("way_up.md", claims())


def test_max_unpooling() -> None:
    for claims in (of_the_positions, of_the_rates_of_unpooling):
        assert_says("max_unpooling.md", claims())
