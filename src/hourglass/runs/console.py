"""What a run says at its end: what was reached, what to hold it against, and what to type next."""

import shlex

from hourglass.core.measures import MEASURES
from hourglass.core.text import as_typed, command, number
from hourglass.runs.baselines.names import baseline_title
from hourglass.runs.summary import Summary


def table(result: Summary) -> str:
    """What was reached and what to hold it against, where the pictures are, and what to type next."""
    m, c = result.metrics, result.cost
    shown = {"test/mse": "MSE {:.5f}", "test/psnr": "PSNR {:.2f} dB", "test/ssim": "SSIM {:.4f}"}
    reached = [text.format(m[name]) for name, text in shown.items() if name in m]
    reached += [
        f"{measure.title} {number(m[f'test/{name}'])}{f' {measure.unit}' if measure.unit else ''}"
        for name, measure in result.measures.items()
        if name not in MEASURES and f"test/{name}" in m
    ]
    lines = ["", f"  test      {'   '.join(reached)}"]
    if "test/psnr_gain" in m:
        lines.append(
            f"  denoised  {m['test/psnr_input']:.2f} dB in, {m['test/psnr']:.2f} dB out: {m['test/psnr_gain']:+.2f} dB"
        )
    if "test/kl" in m and "test/reconstruction" in m:
        lines.append(f"  nats      reconstruction {m['test/reconstruction']:.2f} + KL {m['test/kl']:.2f} an image")
    for i, (name, baseline) in enumerate(result.baselines.items()):
        label = baseline_title(name, int(c["code_size"]))
        ratio = f"{result.ratios[name]:.3f} of it" if name in result.ratios else ""
        if name == "ppca" and "test/elbo" in m:
            ratio = f"minus the ELBO is {-m['test/elbo'] - baseline:+.2f} from it"
        lines.append(f"  {'against' if i == 0 else '':<9} {label:<29} {baseline:.5f}   {ratio}".rstrip())
    if "test/phase_bias_2" in m:
        values = [m[f"{stage}/phase_bias_2"] for stage in ("test", "init", "real")]
        lines.append("  grid      phase bias at stride 2: {:.4f}, untrained {:.4f}, real images {:.4f}".format(*values))
    index = f" + {c['index_bits']:,} bits of positions" if c["index_bits"] else ""
    macs, fused = (c[f"macs{kind}_per_image"] for kind in ("", "_fused"))
    less = f" ({fused / 1e6:.2f} M fused)" if fused < macs else ""
    numbers = f"{c['code_symbols']:,} whole numbers" if "code_symbols" in c else f"{c['code_size']:,} numbers"
    lines += [
        f"  code      {numbers}{index} for {c['image_size']:,} in the image: "
        f"{number(c['bits_per_pixel'])} bits per pixel",
        f"  cost      {c['num_params']:,} parameters   {macs / 1e6:.2f} M multiply-adds an image{less}   "
        f"{c['images_per_second']:,.0f} images/s",
        *(f"  health    {diagnostic}, since epoch {epoch}" for diagnostic, epoch in result.health.items()),
        f"  pictures  {as_typed(result.folder / 'images')}",
        f"  next      {suggestion(result)}",
        "",
    ]
    return "\n".join(lines)


def suggestion(result: Summary) -> str:
    """The command that compares this run with its nearest neighbours, as a shell takes it.

    Of a linear network a convolutional one with as many numbers in its code. Where a dense code goes through the
    default decoder, more and fewer numbers, which decide most there; else another decoder.
    """
    decoder, dim = result.choices["decoder"], int(result.cost.get("code_size", 0))
    if decoder == "linear":
        return f"{command('train')} model=bottleneck latent.dim={dim}"
    if result.choices.get("latent") == "dense" and decoder == "transpose":
        key, values = "latent.dim", [str(max(1, dim // 4)), str(dim), str(4 * dim)]
    else:
        key, values = "decoder", [decoder, "transpose" if decoder == "resize" else "resize"]
    leave_out = (f"{key}=", f"{key}.", "hydra", "trainer.num_nodes=")
    kept = [override for override in result.overrides if not override.startswith(leave_out)]
    swept = f"{key}={','.join(dict.fromkeys(values))}"
    return f"{command('train')} {shlex.join(['-m', *result.found_by, swept, *kept])}"
