"""The tables of the ways up in docs/answers.md, as the kept CSVs have them."""

from collections.abc import Iterator

from helpers.published import against, assert_says, holm, of_the_images, row, table


def of_the_way_up() -> Iterator[str]:
    """The difference from resize, bold where it is shown; a family of comparisons is that of its experiment."""
    names = ("upsamplers_5000", "upsamplers_fashion", "upsamplers_emoji", "upsamplers_photos")
    equal = ("equal_decoders_fused", "equal_time")
    columns = [(table(name), *holm("decoder", "resize", "test/mse", table(name))) for name in (*names, *equal)]
    for decoder in ("transpose4", "transpose", "subpixel", "icnr", "max_unpool", "bilinear"):
        cells = []
        for rows, found in columns:
            if decoder not in found:
                cells.append("–")
                continue
            difference = against(rows, "decoder", decoder, "resize", "test/mse").removesuffix(" %")
            cells.append(f"**{difference}**" if float(found[decoder]) < 0.05 else difference)
        yield row(f"`{decoder}`", *cells)


def of_the_grid() -> Iterator[str]:
    for name, where in (
        ("upsamplers_photos", "photographs, 250 steps"),
        ("upsamplers_emoji", "emoji, 500 steps"),
        ("upsamplers_fashion", "Fashion-MNIST, 500 steps"),
    ):
        rows = table(name)
        excess = rows["test/harmonic_excess_2"].groupby(rows["decoder"]).mean()
        share = of_the_images(rows, "detrended_phase_bias_2").groupby(rows["decoder"]).mean()
        decoders = ("transpose", "transpose4", "subpixel", "icnr", "resize", "bilinear")
        yield row(where, *(f"{excess[decoder]:.1f} dB, {share[decoder]:.1f}" for decoder in decoders))


def test_the_tables_of_the_answers() -> None:
    for claims in (of_the_way_up, of_the_grid):
        assert_says("../answers.md", claims())
