"""docs/results: the way up, and the positions of max unpooling, as the kept CSVs have them."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from helpers.published import against, alone, assert_says, cell, holm, mean, needed, pairs, row, table, tuned
from hourglass.core.text import p_value
from hourglass.report.analysis import stats


def of_the_upsamplers() -> Iterator[str]:
    budgets = [cell("upsamplers", **{"trainer.max_steps": budget}) for budget in (250, 1250)]
    for rows in budgets:
        for decoder in rows.groupby("decoder")["test/mse"].mean().sort_values().index:
            yield row(decoder, *tuned(rows, decoder))
    short, long = holm("decoder", "resize", "test/mse", *budgets)
    supported = [{decoder for decoder, p in of_it.items() if float(p) < 0.05} for of_it in (short, long)]
    assert supported[0] == {"max_unpool", "transpose4", "subpixel", "bilinear"}
    assert supported[1] == supported[0] | {"icnr"}
    yield f"transpose has a Holm p of {short['transpose']}"
    undecided = [(budgets[0], "transpose", 12), (budgets[0], "icnr", 12), (budgets[1], "transpose", 12)]
    undecided.append((table("upsamplers_5000"), "transpose", 6))
    equivalence = min(needed(rows, "decoder", decoder, "resize", of)[1] for rows, decoder, of in undecided)
    yield f"it would take some {equivalence:.0f} seeds and more"
    nearest = []
    for rows in (*budgets, table("upsamplers_5000")):
        first, second = rows.groupby("decoder")["test/mse"].mean().nsmallest(2).index
        assert first == "max_unpool"
        assert alone(rows, "decoder", first, second, "test/mse") == 2**-9
        nearest.append((second, against(rows, "decoder", first, second, "test/mse")))
    assert [decoder for decoder, _ in nearest] == ["transpose4", "icnr", "icnr"]
    of_it = [difference for _, difference in nearest]
    yield f"at {of_it[0]} of transpose4, the nearest at 250 steps"
    yield f"of icnr, the nearest later, at {of_it[1]} at 1,250 and {of_it[2]} at 5,000 (p {p_value(2**-9)} each"
    yield f"icnr is at {against(budgets[1], 'decoder', 'icnr', 'subpixel', 'test/mse')} of subpixel"
    costs = table("upsamplers").groupby("decoder")[["cost/macs_fused_per_image", "cost/index_bits"]].first()
    assert costs.loc["resize", "cost/macs_fused_per_image"] == costs.loc["transpose4", "cost/macs_fused_per_image"]
    yield f"({costs.loc['resize', 'cost/macs_fused_per_image']:,} multiply-adds)"
    most = [rows.groupby("decoder")["test/harmonic_excess_2"].mean().max() for rows in budgets]
    yield f"at most {most[0]:.1f} dB higher than in the digits in the mean of any decoder at 250 steps"
    yield f"at 250 steps, {most[1]:.1f} dB at 1,250"
    assert table("upsamplers")["test/top_octave"].max() < 0
    yield f"{costs.loc['max_unpool', 'cost/index_bits']:,} bits of positions beside the code"


def percent(rows: pd.DataFrame, decoder: str) -> pd.Series:
    """By seed, the difference from resize in percent of its mean."""
    differences, base = pairs(rows, "decoder", decoder, "resize", "test/mse")
    return 100 * differences / base


def of_5000_steps() -> Iterator[str]:
    rows = table("upsamplers_5000")
    order = ("max_unpool", "icnr", "subpixel", "transpose4", "resize", "transpose", "bilinear")
    for decoder in order:
        yield row(decoder, *tuned(rows, decoder))
    means = rows.groupby("decoder")[["test/mse", "test/ssim", "test/harmonic_excess_2"]].mean()
    assert (*means["test/mse"].sort_values().index,) == order
    assert (*means["test/ssim"].sort_values(ascending=False).index,) == order
    (found,) = holm("decoder", "resize", "test/mse", rows)
    (p,) = {found[decoder] for decoder in found if decoder != "transpose"}
    better = means["test/mse"] < means["test/mse"]["resize"]
    assert better[better].index.sort_values().tolist() == ["icnr", "max_unpool", "subpixel", "transpose4"]
    yield f"the same four are better and bilinear worse (Holm p {p} each)"
    yield f"of transpose no difference (Holm p {found['transpose']})"
    yield f"icnr is at {against(rows, 'decoder', 'icnr', 'subpixel', 'test/mse')} of subpixel"
    before = cell("upsamplers", **{"trainer.max_steps": 1250})
    grown = {}  # in points of percent, by seed; below 0 the difference shrinks
    for decoder in found:
        then, now = percent(before, decoder), percent(rows, decoder)
        grown[decoder] = now * np.sign(now.mean()) - then * np.sign(then.mean())
    by = {decoder: f"{abs(points.mean()):.1f} ± {stats.t_interval(points):.1f}" for decoder, points in grown.items()}
    yield f"that of transpose4 shrinks, by {by['transpose4']} points, that of icnr grows, by {by['icnr']},"
    assert {decoder for decoder, points in grown.items() if points.mean() < 0} == {"transpose4", "bilinear"}
    assert abs(grown["subpixel"].mean()) < stats.t_interval(grown["subpixel"])
    for decoder in ("transpose4", "subpixel", "icnr"):  # in MSE itself
        then, now = (pairs(of_it, "decoder", decoder, "resize", "test/mse")[0].mean() for of_it in (before, rows))
        assert abs(now) < abs(then)
    for decoder, words in (("subpixel", "subpixel is"), ("icnr", "and icnr")):
        p = p_value(alone(rows, "decoder", decoder, "transpose4", "test/mse"))
        yield f"{words} at {against(rows, 'decoder', decoder, 'transpose4', 'test/mse')} of transpose4 (p {p}"
    assert rows["test/top_octave"].max() < 0
    yield f"and {means['test/harmonic_excess_2'].max():.1f} dB at 5,000"


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
    for claims in (of_the_upsamplers, of_5000_steps, of_equal_decoders, of_equal_time, of_the_learning_rate):
        assert_says("way_up.md", claims())


def test_max_unpooling() -> None:
    for claims in (of_the_positions, of_the_rates_of_unpooling):
        assert_says("max_unpooling.md", claims())
