"""docs/results: codes, as the kept CSVs have them."""

from collections.abc import Iterator

from helpers.published import against, assert_says, cell, holm, mean, row, table


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


def test_codes() -> None:
    for claims in (of_pca, of_the_codebooks):
        assert_says("codes.md", claims())
