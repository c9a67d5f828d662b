"""The first table of docs/answers.md, as the kept CSVs have it."""

from collections.abc import Iterator

from helpers.published import against, assert_says, cell, holm, row, table


def of_the_way_up() -> Iterator[str]:
    """The difference from resize, bold where it is shown; a family of comparisons is that of its experiment."""
    short, long = (cell("upsamplers", **{"trainer.max_steps": budget}) for budget in (250, 1250))
    alone = ("upsamplers_5000", "upsamplers_fashion", "upsamplers_emoji", "upsamplers_photos")
    equal = ("equal_decoders_fused", "equal_time")
    columns = [(long, holm("decoder", "resize", "test/mse", short, long)[1])]
    columns += [(table(name), *holm("decoder", "resize", "test/mse", table(name))) for name in (*alone, *equal)]
    for decoder in ("transpose4", "transpose", "subpixel", "icnr", "max_unpool", "bilinear"):
        cells = []
        for rows, found in columns:
            if decoder not in found:
                cells.append("–")
                continue
            difference = against(rows, "decoder", decoder, "resize", "test/mse")
            cells.append(f"**{difference}**" if float(found[decoder]) < 0.05 else difference)
        yield row(f"`{decoder}`", *cells)


def test_which_way_up() -> None:
    assert_says("../answers.md", of_the_way_up())
