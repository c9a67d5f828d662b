"""docs/results: the way down and denoising, as the kept CSVs have them."""

from collections.abc import Iterator

from helpers.published import against, assert_says, cell, evaluations, holm, mean, row, table
from hourglass.report.analysis import stats


def of_downsampling() -> Iterator[str]:
    consistency = table("downsampling").groupby("encoder")["test/shift_consistency_1"].mean()
    for encoder in ("avgpool", "blurpool", "strided", "subsample", "space_to_depth"):
        difference = against(table("downsampling"), "encoder", encoder, "maxpool", "test/mse")
        yield row(encoder, difference, f"{consistency[encoder]:.1f}")
    yield row("maxpool", "0", f"{consistency['maxpool']:.1f}")


def of_antialiasing() -> Iterator[str]:
    rows = table("antialiasing")
    consistency = rows.groupby("encoder")["test/shift_consistency_1"]
    for encoder in consistency.mean().sort_values(ascending=False).index:
        own = rows[rows["encoder"] == encoder]
        difference = "0" if encoder == "strided" else against(rows, "encoder", encoder, "strided", "test/mse")
        rate, ssim = f"{own['optimizer.lr'].unique().item():g}", f"{own['test/ssim'].mean():.4f}"
        shift = mean(own["test/shift_consistency_1"], 1)
        yield row(encoder, rate, shift, mean(own["test/mse"], 5), difference, ssim)
    medians = rows.groupby("encoder")["test/mse"].median().map("{:.5f}".format)
    blurs = [medians[encoder] for encoder in ("avgpool", "blurpool", "blurpool5")]
    yield f"{medians['strided']} for strided, {blurs[0]}, {blurs[1]} and {blurs[2]} for blurs"
    yield f"with strided at {rows[rows['encoder'] == 'strided']['test/mse'].max():.4f}"
    (found,) = holm("encoder", "strided", "test/mse", rows)
    assert [encoder for encoder, p in found.items() if float(p) < 0.05] == ["maxpool"]
    yield f"Maxpool is worse than strided (Holm p {found['maxpool']}), and max_blurpool is not shown to be"
    yield f"max_blurpool is not shown to be ({found['max_blurpool']})"
    (found,) = holm("encoder", "strided", "test/shift_consistency_1", rows)
    values = rows.pivot(index="seed", columns="encoder", values="test/shift_consistency_1")
    for reference in ("strided", "maxpool"):
        pairs = [values[encoder] - values[reference] for encoder in ("blurpool", "blurpool5", "max_blurpool")]
        blur, wide, maximum = (f"{pair.mean():+.1f} ± {stats.t_interval(pair):.1f}" for pair in pairs)
        if reference == "strided":
            yield f"blurpool is at {blur} dB, blurpool5 at {wide} and max_blurpool at {maximum} (Holm p"
            yield f"p {found['blurpool']} each"
        else:
            yield f"against maxpool at {blur}, {wide} and {maximum}"


def gains(name: str, trained: object, key: str, tested: list[str], own: str) -> list[str]:
    """Mean gain in dB of the runs that were `trained` so, on each corruption; bold on their own."""
    evaluated = evaluations(name)
    means = evaluated[evaluated[key] == trained].groupby("on")["test/psnr_gain"].mean()
    return [f"{'**' * (on == own)}{means[on]:+.1f}{'**' * (on == own)}" for on in tested]


def of_denoising() -> Iterator[str]:
    kinds = ["gaussian 0.1", "gaussian 0.15", "gaussian 0.3", "gaussian 0.45", "salt_and_pepper 0.25", "masking 0.25"]
    kinds += ["speckle 0.35", "block 8"]
    own = {"gaussian": "gaussian 0.3", "salt_and_pepper": "salt_and_pepper 0.25", "block": "block 8", "none": "nothing"}
    for corruption, trained in own.items():
        named = trained.replace("_", " ")
        yield row(named, *gains("denoising", corruption, "corruption", kinds, trained))
    evaluated = evaluations("denoising")
    of_noise = evaluated[evaluated["corruption"] == "gaussian"].groupby("on")["test/psnr_gain"]
    median = of_noise.median()
    own_gains = [cell("denoising", corruption=name)["test/psnr_gain"] for name in ("gaussian", "salt_and_pepper")]
    assert [sorted(gain >= 5) for gain in own_gains] == [[False] + 7 * [True]] * 2
    yield f"The medians are {own_gains[0].median():.1f} and {own_gains[1].median():.1f} dB"
    yield f"in the eighth with {own_gains[0].min():.1f} and {own_gains[1].min():.1f} dB"
    yield f"{median['gaussian 0.15']:.1f} and {median['gaussian 0.45']:.1f} dB in the median"
    yield f"the failed run loses {-of_noise.min()['gaussian 0.15']:.1f} dB at half"
    noise = cell("denoising", corruption="gaussian")
    assert noise["ratio/wiener_curve"].min() > 1
    yield f"a factor of {noise['ratio/wiener_curve'].median():.2f} in the median"
    yield f"it has {1 / noise['ratio/wiener_clipped'].median():.2f} times the network's"
    peppered = cell("denoising", corruption="salt_and_pepper")["ratio/affine"]
    yield f"leaves {peppered.median():.2f} times what the best affine map leaves, in the median"
    block = cell("denoising", corruption="block")
    yield f"is open: {mean(block['test/psnr_gain'], 2)} dB"
    yield f"is not shown: {mean(block['ratio/affine'], 3)} times its error"


def of_levels() -> Iterator[str]:
    levels = [f"gaussian {level}" for level in (0.1, 0.2, 0.3, 0.4, 0.5)]
    evaluated = evaluations("denoising_levels").set_index(["corruption.std", "on"])
    for level in (0.1, 0.2, 0.3, 0.5):
        ratio = mean(cell("denoising_levels", **{"corruption.std": level})["ratio/wiener_curve"], 2)
        found = gains("denoising_levels", level, "corruption.std", levels, f"gaussian {level}")
        yield row(str(level), *found, ratio)
    assert evaluated.loc[(0.5, "gaussian 0.1"), "test/psnr_gain"].max() < 0
    assert evaluated.loc[(0.1, "gaussian 0.5"), "test/psnr_gain"].min() > 8
    psnr = evaluated.groupby(level=[0, 1])["test/psnr"].mean().unstack(0)
    best = [psnr.loc[f"gaussian {level}"].idxmax() for level in (0.1, 0.2, 0.3, 0.5)]
    assert best == [0.1, 0.2, 0.2, 0.5]
    yield f"the least ratio is {table('denoising_levels')['ratio/wiener_curve'].min():.2f}"


def test_the_way_down() -> None:
    assert_says("way_down.md", of_downsampling())
    assert_says("way_down.md", of_antialiasing())


def test_denoising() -> None:
    assert_says("denoising.md", of_denoising())
    assert_says("denoising.md", of_levels())
