"""What is published in docs/results and the README is what the kept CSVs say: each number is made again from them."""

import re
from collections.abc import Iterator
from functools import cache

import pandas as pd

from helpers.project import ROOT
from hourglass.report.analysis import stats

RESULTS = ROOT / "docs" / "results"
CELLS = [("mnist5k", "none"), ("mnist5k", "dense"), ("synthetic", "none"), ("synthetic", "dense")]


@cache
def table(name: str) -> pd.DataFrame:
    return pd.read_csv(RESULTS / name / "results.csv")


def cell(name: str, **where: object) -> pd.DataFrame:
    rows = table(name)
    for key, value in where.items():
        rows = rows[rows[key] == value]
    return rows


def against(rows: pd.DataFrame, key: str, label: str, reference: str, metric: str) -> str:
    """`-1.7 ± 5.3 %`: the mean difference of pairs and half its interval, over the reference's mean."""
    values = rows.pivot(index="seed", columns=key, values=metric)
    differences, base = values[label] - values[reference], values[reference].mean()
    return f"{100 * differences.mean() / base:+.1f} ± {100 * stats.t_interval(differences) / base:.1f} %"


def mean(values: pd.Series, digits: int) -> str:
    return f"{values.mean():.{digits}f} ± {stats.t_interval(values):.{digits}f}"


def row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def of_checkerboards() -> Iterator[str]:
    for decoder in ("transpose", "subpixel", "resize", "max_unpool"):
        shares = []
        for data, latent in CELLS:
            rows = cell("checkerboard", data=data, latent=latent, decoder=decoder)
            share = rows["test/phase_bias_2"] / rows["real/phase_bias_2"]
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


def of_downsampling() -> Iterator[str]:
    consistency = table("downsampling").groupby("encoder")["test/shift_consistency_1"].mean()
    for encoder in ("avgpool", "blurpool", "strided", "subsample", "space_to_depth"):
        difference = against(table("downsampling"), "encoder", encoder, "maxpool", "test/mse")
        yield row(encoder, difference, f"{consistency[encoder]:.1f}")
    yield row("maxpool", "0", f"{consistency['maxpool']:.1f}")


def gains(name: str, trained: object, key: str, tested: list[str], own: str) -> list[str]:
    """Mean gain in dB of the runs that were `trained` so, on each corruption; bold on their own."""
    evaluated = pd.read_csv(RESULTS / name / "evaluations.csv")
    means = evaluated[evaluated[key] == trained].groupby("on")["test/psnr_gain"].mean()
    return [f"{'**' * (on == own)}{means[on]:+.1f}{'**' * (on == own)}" for on in tested]


def of_denoising() -> Iterator[str]:
    kinds = ["gaussian 0.1", "gaussian 0.15", "gaussian 0.3", "gaussian 0.45", "salt_and_pepper 0.25", "masking 0.25"]
    kinds += ["speckle 0.35", "block 8"]
    own = {"gaussian": "gaussian 0.3", "salt_and_pepper": "salt_and_pepper 0.25", "block": "block 8", "none": "nothing"}
    for corruption, trained in own.items():
        named = trained.replace("_", " ")
        yield row(named, *gains("denoising", corruption, "corruption", kinds, trained))
    levels = [f"gaussian {level}" for level in (0.1, 0.2, 0.3, 0.4, 0.5)]
    for level in (0.1, 0.2, 0.3, 0.5):
        ratio = mean(cell("denoising_levels", **{"corruption.std": level})["ratio/wiener"], 2)
        found = gains("denoising_levels", level, "corruption.std", levels, f"gaussian {level}")
        yield row(str(level), *found, ratio)
    yield f"has {mean(cell('denoising', corruption='block')['ratio/affine'], 2)} times the error of the best affine"
    yield f"has {mean(cell('denoising', corruption='gaussian')['ratio/wiener'], 2)} times the error of the linear"


def of_pca() -> Iterator[str]:
    for rank in (8, 16, 32):
        rows = cell("linear_vs_pca", **{"encoder.dim": rank})
        largest = rows["test/pca_angle"]
        spread = f"{largest.mean():.1f}° ({largest.min():.1f}–{largest.max():.1f})"
        yield row(str(rank), mean(rows["ratio/pca"], 4), spread, f"{rows['test/pca_angle_mean'].mean():.1f}°")
    ratios = table("linear_vs_pca")["ratio/pca"]
    yield f"All eighteen ratios are between {ratios.min():.4f} and {ratios.max():.4f}"


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
    yield f"icnr is at {against(budgets[1], 'decoder', 'icnr', 'subpixel', 'test/mse')} of subpixel"
    costs = table("upsamplers").groupby("decoder")[["cost/macs_fused_per_image", "cost/index_bits"]].first()
    assert costs.loc["resize", "cost/macs_fused_per_image"] == costs.loc["transpose4", "cost/macs_fused_per_image"]
    yield f"({costs.loc['resize', 'cost/macs_fused_per_image']:,} multiply-adds)"
    yield f"{costs.loc['max_unpool', 'cost/index_bits']:,} bits of positions beside the code"


def of_the_emoji() -> Iterator[str]:
    rows = table("upsamplers_emoji")
    for decoder in ("transpose4", "icnr", "subpixel", "transpose", "resize", "bilinear", "max_unpool"):
        own = rows[rows["decoder"] == decoder]
        grid = own["test/phase_bias_2"] / own["real/phase_bias_2"]
        yield row(decoder, *tuned(rows, decoder), f"{grid.mean():.1f} ({grid.min():.1f}–{grid.max():.1f})")
    yield f"icnr is at {against(rows, 'decoder', 'icnr', 'subpixel', 'test/mse')} of subpixel"
    unpool = rows[rows["decoder"] == "max_unpool"]["test/mse"].sort_values()
    yield f"{unpool.iloc[-1]:.4f}, and the others at {unpool.iloc[0]:.4f} to {unpool.iloc[-2]:.4f}"
    bits = rows[rows["decoder"] == "max_unpool"]["cost/index_bits"].unique().item()
    yield f"{bits:,} bits of positions beside {rows['cost/code_size'].unique().item():,} numbers"


def of_the_positions() -> Iterator[str]:
    for name in ("positions", "positions_photos"):
        rows = table(name)
        for positions, own in rows.groupby("decoder.positions"):
            difference = "0"
            if positions != "kept":
                difference = against(rows, "decoder.positions", str(positions), "kept", "test/mse")
            bits, ssim = own["cost/index_bits"].unique().item(), f"{own['test/ssim'].mean():.4f}"
            yield row(str(positions), f"{bits:,}", mean(own["test/mse"], 5), difference, ssim)


def of_the_rates_of_unpooling() -> Iterator[str]:
    for channels in ("[8,2]", "[8,4]", "[8,7]", "[8,16]", "[8,19]"):
        rows = cell("unpooling_rate", channels=channels)
        own, other = (rows[rows["decoder"] == decoder] for decoder in ("max_unpool", "transpose"))
        counts = [f"{own[f'cost/{name}'].unique().item():,}" for name in ("code_size", "index_bits")]
        means = [mean(of_it["test/mse"], 5) for of_it in (own, other)]
        difference = against(rows, "decoder", "max_unpool", "transpose", "test/mse")
        yield row(f"`{channels}`", *counts, *means, difference)
    wide = table("unpooling_rate").copy().assign(key=lambda rows: rows["decoder"] + rows["channels"])
    yield f"it is at {against(wide, 'key', 'transpose[8,7]', 'max_unpool[8,4]', 'test/mse')} of max unpooling"
    yield f"with `[8,19]` at {against(wide, 'key', 'transpose[8,19]', 'max_unpool[8,16]', 'test/mse')} of max unpooling"


def of_the_codebooks() -> Iterator[str]:
    for latent in ("vq", "simvq"):
        for size in (16, 64, 512):
            rows = cell("latent_codebooks", latent=latent, **{"latent.codebook_size": size})
            bits, used = rows["cost/code_bits"].unique().item(), 100 * rows["test/usage"]
            usage = f"{used.mean():.1f} % ({used.min():.1f}–{used.max():.1f})"
            yield row(
                latent, str(size), f"{bits:,.0f}", mean(rows["test/mse"], 5), f"{rows['test/ssim'].mean():.4f}", usage
            )
        own = cell("latent_codebooks", latent=latent)[["seed", "latent.codebook_size", "test/mse"]]
        own = own.rename(columns={"latent.codebook_size": "size"}).astype({"size": str})
        yield f"{latent} is at {against(own, 'size', '512', '16', 'test/mse')}"
    largest = cell("latent_codebooks", **{"latent.codebook_size": 512})
    yield f"simvq is at {against(largest, 'latent', 'simvq', 'vq', 'test/mse')} of vq"


def of_equal_decoders() -> Iterator[str]:
    for name in ("equal_decoders", "equal_decoders_fused"):
        for decoder in ("transpose", "transpose4", "subpixel", "resize", "bilinear"):
            own = cell(name, decoder=decoder)
            costs = [f"{own[f'cost/decoder_macs{kind}'].unique().item():,}" for kind in ("", "_fused")]
            difference = "0" if decoder == "resize" else against(table(name), "decoder", decoder, "resize", "test/mse")
            yield row(decoder, *costs, mean(own["test/mse"], 5), difference, f"{own['test/ssim'].mean():.4f}")
    of_subpixel = against(table("equal_decoders"), "decoder", "transpose4", "subpixel", "test/mse")
    yield f"transpose4 is at {of_subpixel} of subpixel"


def of_the_learning_rate() -> Iterator[str]:
    means = table("learning_rate").groupby(["decoder", "optimizer.lr"])["test/mse"].mean()
    best = {decoder: means[decoder].min() for decoder in ("transpose", "resize")}
    yield f"{100 * (best['transpose'] / best['resize'] - 1):.0f} %"
    for rate, rows in table("learning_rate").groupby("optimizer.lr"):
        black = rows[rows["health"].fillna("").str.contains("constant output")].groupby("decoder").size()
        cells = []
        for decoder, of_it in sorted(rows.groupby("decoder"), reverse=True):
            mse = of_it["test/mse"]
            cells += [f"{mse.mean():.5f} ({mse.median():.5f})", str(black.get(decoder, 0))]
        yield row(str(rate), *cells, against(rows, "decoder", "transpose", "resize", "test/mse"))


def test_the_results_are_those_of_the_kept_runs() -> None:
    text = (RESULTS / "README.md").read_text(encoding="utf-8")
    text = " ".join(text.split())
    claimed = (of_checkerboards, of_downsampling, of_denoising, of_pca, of_the_learning_rate, of_the_upsamplers)
    for claims in (
        *claimed,
        of_the_positions,
        of_the_rates_of_unpooling,
        of_equal_decoders,
        of_the_codebooks,
        of_the_emoji,
    ):
        for claim in claims():
            assert claim in text, claim


def numbers(text: str) -> list[str]:
    without = re.sub(r"`[^`]*`|\[[^]]*\]\([^)]*\)|et al\. \d+|Zhang 2019|Chen et al\. 2024", "", text)
    return re.findall(r"[-+]?\d[\d.,]*\d|\d", " ".join(without.split()))


def test_no_number_of_the_readme_s_findings_or_of_the_answers_is_without_a_source() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = re.search(r"## What was found\n(.*?)\n## ", readme, re.DOTALL)
    assert section is not None
    answers = (ROOT / "docs" / "answers.md").read_text(encoding="utf-8")
    published = " ".join((RESULTS / "README.md").read_text(encoding="utf-8").split())
    for text in (section[1], answers):
        assert numbers(text)
        assert [number for number in numbers(text) if number not in published] == []
