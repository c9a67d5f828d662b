"""`show`: operators side by side on one picture. No torch until it is clear what is to be shown."""

from hourglass.config.compose import CONF
from hourglass.core.compat.extras import needing_report
from hourglass.report.show.options import parse_options


def main(arguments: list[str]) -> None:
    if set(arguments) & {"-h", "--help"}:
        print((CONF / "show.yaml").read_text(encoding="utf-8").rstrip())
        return
    options = parse_options(arguments)
    with needing_report("pictures need"):
        from hourglass.report.show.make import make  # matplotlib and torch: only now
    make(options)
