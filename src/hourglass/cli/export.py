"""`export`: a trained autoencoder, or a half of it, as a file that others run. No torch until there is one to read."""

from hourglass.config.compose import CONF
from hourglass.runs.export.request import parse_options, refuse_to_overwrite


def main(arguments: list[str]) -> None:
    if not arguments or set(arguments) & {"-h", "--help"}:
        print((CONF / "export.yaml").read_text(encoding="utf-8").rstrip())
        return
    options = parse_options(arguments)
    refuse_to_overwrite(options)
    from hourglass.runs.export.export import export  # torch: only now

    export(options)
