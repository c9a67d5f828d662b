"""`reconstruct`: your own pictures through a trained autoencoder. No torch until there is one to read."""

from hourglass.config.compose import CONF
from hourglass.runs.evaluation.picture_files import output_names, picture_files
from hourglass.runs.evaluation.reconstruct_options import parse_options, refuse_to_overwrite


def main(arguments: list[str]) -> None:
    """Raises DataError at its end where a picture could not be read."""
    if not arguments or set(arguments) & {"-h", "--help"}:
        print((CONF / "reconstruct.yaml").read_text(encoding="utf-8").rstrip())
        return
    options = parse_options(arguments)
    files, others = picture_files(options.images)
    names = output_names(files)
    refuse_to_overwrite(names, options)
    if others:
        more = f" and {len(others) - 5} more" if len(others) > 5 else ""
        print(f"left out, no pictures by their names: {', '.join(path.name for path in others[:5])}{more}")
    from hourglass.runs.evaluation.reconstruct import reconstruct  # torch: only now

    reconstruct(options, names)
