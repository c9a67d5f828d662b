"""`sample`: new images from a trained run, and how they compare. No torch until there is a run to read."""

from hourglass.config.compose import CONF
from hourglass.runs.evaluation.codes.sample_options import parse_options


def main(arguments: list[str]) -> None:
    if not arguments or set(arguments) & {"-h", "--help"}:
        print((CONF / "sample.yaml").read_text(encoding="utf-8").rstrip())
        return
    options = parse_options(arguments)
    from hourglass.runs.evaluation.codes.sample import sample  # torch: only now

    sample(options)
