"""docs/results: codes, as the kept CSVs have them."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from helpers.published import against, alone, assert_says, cell, holm, mean, row, table
from hourglass.core.text import p_value
from hourglass.report.analysis import sign_flip, stats

KEPT = ("latents", "latents_emoji")


def of_pca() -> Iterator[str]:
    for rank in (8, 16, 32):
        rows = cell("linear_vs_pca", **{"encoder.dim": rank})
        largest = rows["test/pca_angle"]
        spread = f"{largest.mean():.1f}° ({largest.min():.1f}–{largest.max():.1f})"
        yield row(str(rank), mean(rows["ratio/pca"], 4), spread, f"{rows['test/pca_angle_mean'].mean():.1f}°")
    ratios = table("linear_vs_pca")["ratio/pca"]
    yield f"All eighteen ratios are between {ratios.min():.4f} and {ratios.max():.4f}"


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
    by_size = (rows for _, rows in table("latent_codebooks").groupby("latent.codebook_size"))
    found = [of_it["simvq"] for of_it in holm("latent", "vq", "test/mse", *by_size)]
    assert [float(p) < 0.05 for p in found] == [False, False, True]
    yield f"simvq is at {against(largest, 'latent', 'simvq', 'vq', 'test/mse')} of vq, Holm p {found[-1]}"


def of_the_rates() -> Iterator[str]:
    rows = table("latent_rates")
    for size, own in rows.groupby("latent.dim"):
        for latent in ("dense", "gaussian", "wae"):
            runs = own[own["latent"] == latent]
            difference = "0" if latent == "dense" else against(own, "latent", latent, "dense", "test/mse")
            bits, over = f"{runs['cost/code_bits'].mean():,.0f}", mean(runs["ratio/pca"], 3)
            yield row(f"{size}", latent, bits, mean(runs["test/mse"], 5), difference, over)
    sampled = {size: at_a_sample(own, 784) for size, own in rows.groupby("latent.dim")}
    few = [against(sampled[size], "latent", "gaussian", "dense", "sampled") for size in (4, 8, 16, 32, 64)]
    small, smaller, equal, more, most = few
    yield f"at {small[:-2]}, {smaller[:-2]} and {equal}. With 32 and 64"
    yield f"at a sample at {more[:-2]} and {most}"
    mmd = rows[rows["latent"] == "wae"].groupby("latent.dim")["test/mmd"].mean()
    yield f"its MMD² is {mmd.min():.2f} to {mmd.max():.2f}"
    found = holm("latent", "dense", "test/mse", *(own for _, own in rows.groupby("latent.dim")))
    assert min(float(p) for of_size in found for p in of_size.values()) == float(found[-1]["gaussian"])
    yield f"Holm p at 64: {found[-1]['gaussian']}"
    dense = rows[rows["latent"] == "dense"]
    assert dense[dense["latent.dim"] <= 8]["ratio/pca"].max() < 1
    bits = rows[rows["latent"] == "gaussian"].groupby("latent.dim")["cost/code_bits"].mean()
    share = (dense.groupby("latent.dim")["cost/code_bits"].mean() / bits).loc[:16]
    assert share.min() > 6
    assert share.max() < 8
    yield f"uses {bits[32] / 32:.1f} bits a number"
    yield f"they are {bits[64] / bits[16]:.2f} times those at 16"


def of_the_latents(name: str) -> Iterator[str]:
    """The lines of a table by error: what a code costs, what its error is, and what can be read off it."""
    rows = table(name)
    for latent in rows.groupby("latent")["test/mse"].mean().sort_values().index:
        own = rows[rows["latent"] == latent]
        bits = f"{own['cost/code_bits'].mean():,.0f}"
        difference = "0" if latent == "dense" else against(rows, "latent", str(latent), "dense", "test/mse")
        read = [f"{100 * own[f'probe/{what}'].mean():.1f}" for what in ("logistic", "knn") if f"probe/{what}" in own]
        rate, ssim = f"{own['optimizer.lr'].unique().item():g}", f"{own['test/ssim'].mean():.4f}"
        yield row(str(latent), rate, bits, mean(own["test/mse"], 5), difference, ssim, *read)


def of_the_digits_codes() -> Iterator[str]:
    rows = table("latents")
    yield from of_the_latents("latents")
    (found,) = holm("latent", "dense", "test/mse", rows)
    better = {"none", "rvq", "gaussian_spatial", "vq", "fsq", "simvq", "lfq", "sparse", "topk"}
    assert {latent for latent, p in found.items() if float(p) < 0.05} == {*better, "info"}
    assert {found[latent] for latent in {*better, "info"} - {"sparse"}} == {"0.0254"}
    yield f"(Holm p 0.0254, of sparse {found['sparse']})"
    assert alone(rows, "latent", "rvq", "vq", "test/mse") == 2**-9
    yield f"at {against(rows, 'latent', 'rvq', 'vq', 'test/mse')} of vq"
    yield f"fsq is at {against(rows, 'latent', 'fsq', 'vq', 'test/mse')} of vq"
    yield f"shown of info, at {against(rows, 'latent', 'info', 'dense', 'test/mse')}"
    yield f"at {against(rows, 'latent', 'info', 'gaussian', 'probe/logistic')} of gaussian"
    means = rows.groupby("latent")[["test/mse", "probe/logistic"]].mean()
    assert means.loc[["dense", "gaussian", "wae", "info", "contractive"], "probe/logistic"].idxmin() == "info"
    quantised = ["vq", "rvq", "simvq", "fsq", "lfq"]
    of_numbers, of_all = (spearmanr(*some.T.to_numpy())[0] for some in (means.drop(quantised), means))
    yield f"the nine codes of numbers is {of_numbers:.2f}. Of all fourteen it is {of_all:.2f}"
    sampled = at_a_sample(rows, 784)
    spatial, flat = (against(sampled, "latent", name, "dense", "sampled") for name in ("gaussian_spatial", "gaussian"))
    yield f"at a sample the spatial one is at {spatial} of dense, the flat one at {flat}"
    mmd = rows.groupby("latent")["test/mmd"].mean()
    yield f"MMD² of wae stays at {mmd['wae']:.3f}, and InfoVAE brings it to {mmd['info']:.3f}"
    points = rows.pivot(index="seed", columns="latent", values="probe/logistic") * 100
    more = [points["none"] - points[other] for other in ("dense", "simvq")]
    assert all(sign_flip.sign_flip_p(pair.to_numpy()) == 2**-9 for pair in more)
    over_dense, over_simvq = (f"{pair.mean():.1f} ± {stats.t_interval(pair):.1f}" for pair in more)
    yield f"logistic regression finds {over_dense} points more with no latent than with dense, and {over_simvq} more"
    share = points["dense"].mean() / 100
    yield f"leave a standard error of {100 * (share * (1 - share) / 500) ** 0.5:.1f}"
    read = {name: rows[f"probe/{name}"].unique() for name in ("logistic_pixels", "knn_pixels")}
    read |= {name: rows[rows["latent"] == "dense"][f"probe/{name}"].unique() for name in ("logistic_pca", "knn_pca")}
    logistic, near, of_pca_logistic, of_pca_near = (f"{100 * values.item():.1f}" for values in read.values())
    yield f"logistic regression is at {logistic} and the neighbours at {near}"
    yield f"on PCA of 16 numbers at {of_pca_logistic} and {of_pca_near}"


def of_the_use_of_codebooks() -> Iterator[str]:
    both = [table(name).groupby("latent")[["test/usage", "test/perplexity"]].mean() for name in KEPT]
    for latent, codes in {"vq": "256", "simvq": "256", "fsq": "240", "lfq": "256", "rvq": "4 × 64"}.items():
        found = [of.loc[latent].tolist() for of in both]
        yield row(
            latent, codes, *(cell for used, choices in found for cell in (f"{100 * used:.0f} %", f"{choices:.1f}"))
        )


def of_the_emojis_codes() -> Iterator[str]:
    yield from of_the_latents("latents_emoji")
    rows = table("latents_emoji")
    (found,) = holm("latent", "dense", "test/mse", rows)
    shown = {latent for latent, p in found.items() if float(p) < 0.05}
    assert shown == {"none", "vq", "rvq", "simvq", "gaussian_spatial", "topk"}
    assert {found[latent] for latent in shown} == {"0.0254"}
    yield f"that lfq is, is not shown ({found['lfq']})"
    yield f"MMD² of wae stays at {rows[rows['latent'] == 'wae']['test/mmd'].mean():.3f}"
    spatial = against(at_a_sample(rows, 3072), "latent", "gaussian_spatial", "dense", "sampled")
    yield f"the spatial Gaussian code is at {spatial}"
    fsq = rows[rows["latent"] == "fsq"]
    assert fsq["health"].notna().sum() == 1
    yield f"its median is {fsq['test/mse'].median():.5f}"
    orders = [table(name).groupby("latent")["test/mse"].mean() for name in KEPT]
    turned = {
        pair for pair in combinations(orders[0].index, 2) if len({of[pair[0]] < of[pair[1]] for of in orders}) > 1
    }
    assert sum("fsq" in pair for pair in turned) == 4
    yield f"{len(turned)} of the 91 pairs stand"
    yield f"rho of the two orders is {spearmanr(*orders)[0]:.2f}"
    p = p_value(alone(rows, "latent", "rvq", "vq", "test/mse"))
    yield f"at {against(rows, 'latent', 'rvq', 'vq', 'test/mse')} of vq (p {p} alone)"


def of_the_decoders() -> Iterator[str]:
    rows = table("latent_decoders")
    latents = ("none", "gaussian_spatial", "fsq", "dense")
    own = {latent: rows[rows["latent"] == latent] for latent in latents}
    for latent, runs in own.items():
        for decoder in ("max_unpool", "transpose4", "resize", "bilinear"):
            of_it = runs[runs["decoder"] == decoder]
            difference = "0" if decoder == "resize" else against(runs, "decoder", decoder, "resize", "test/mse")
            rate, error = f"{of_it['optimizer.lr'].unique().item():g}", mean(of_it["test/mse"], 5)
            yield row(latent, decoder, rate, error, difference, f"{of_it['test/ssim'].mean():.4f}")
        order = runs.groupby("decoder")["test/mse"].mean().sort_values().index
        assert list(order) == ["max_unpool", "transpose4", "resize", "bilinear"]
    *with_place, dense = holm("decoder", "resize", "test/mse", *own.values())
    assert {p for of_it in with_place for p in of_it.values()} | {dense["max_unpool"]} == {"0.0234"}
    assert dense["transpose4"] == dense["bilinear"] == "0.82"
    for label, reference in (("transpose4", "bilinear"), ("max_unpool", "transpose4")):
        for latent, runs in own.items():
            end = f" behind {latent}" if latent != "dense" or label == "max_unpool" else ""
            yield f"{against(runs, 'decoder', label, reference, 'test/mse')}{end}"
            p = p_value(alone(runs, "decoder", label, reference, "test/mse"))
            shown = {("transpose4", "dense"): "0.45", ("max_unpool", "gaussian_spatial"): "0.0898"}
            assert p == shown.get((label, latent), "0.0020"), (label, latent, p)
    leads = {latent: relative(runs, "max_unpool", "transpose4").mean() for latent, runs in own.items()}
    assert min(leads, key=leads.__getitem__) == "dense"
    closer = {latent: relative(own["none"], "transpose4", "resize") for latent in latents[1:]}
    closer = {latent: relative(own[latent], "transpose4", "resize") - of_none for latent, of_none in closer.items()}
    for latent, points in closer.items():
        unit = " percentage points" if latent == "dense" else ""
        yield f"{points.mean():.1f} ± {stats.t_interval(points):.1f}{unit} behind {latent}"
    yield f"behind dense (p {p_value(sign_flip.sign_flip_p(closer['dense'].to_numpy()))} alone)"
    bits = rows.groupby(["latent", "decoder"])["cost/code_bits"].mean()
    errors = rows.groupby(["latent", "decoder"])["test/mse"].mean()
    assert errors["fsq", "max_unpool"] < errors["none"].drop("max_unpool").min()
    few, many = bits["fsq", "resize"], bits["none", "resize"]
    yield f"a code of {few:.0f} bits, of fsq, has a lower error than one of {many:,.0f}"
    positions = rows[rows["decoder"] == "max_unpool"]["cost/index_bits"].unique()
    yield f"{positions.item():,} bits of positions pass it by"
    spatial = at_a_sample(own["gaussian_spatial"], 784).groupby("decoder")[["sampled", "test/mse"]].mean()
    larger = 100 * (spatial["sampled"] / spatial["test/mse"] - 1)
    yield f"at a sample they are {larger.min():.0f} to {larger.max():.0f} % larger"


def at_a_sample(rows: pd.DataFrame, pixels: int) -> pd.DataFrame:
    """With `sampled`, the MSE at a sample of the code, which follows from the likelihood of an image and its variance;
    of a code that is no sample its MSE."""
    variance = rows["test/variance"]
    sampled = 2 * variance * (rows["test/reconstruction"] / pixels - np.log(2 * np.pi * variance) / 2)
    return rows.copy().assign(sampled=sampled.where(rows["test/kl"].notna(), rows["test/mse"]))


def relative(rows: pd.DataFrame, label: str, reference: str) -> pd.Series:
    """By seed, how far a decoder's error is from another one's, in percent of its mean."""
    values = rows.pivot(index="seed", columns="decoder", values="test/mse")
    return 100 * (values[label] - values[reference]) / values[reference].mean()


def test_codes() -> None:
    for claims in (
        of_the_emojis_codes, of_pca, of_the_rates, of_the_codebooks, of_the_digits_codes, of_the_decoders,
        of_the_use_of_codebooks,
    ):  # fmt: skip
        assert_says("codes.md", claims())
