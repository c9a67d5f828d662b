"""`embed`: the codes of a data set, or of your own pictures, as a table. No torch until there is something to read."""

from hourglass.config.compose import CONF
from hourglass.runs.evaluation.codes.embed_options import parse_options, refuse_to_overwrite
from hourglass.runs.evaluation.picture_files import picture_files


def main(arguments: list[str]) -> None:
    """Raises DataError at its end where a picture could not be read."""
    if not arguments or set(arguments) & {"-h", "--help"}:
        print((CONF / "embed.yaml").read_text(encoding="utf-8").rstrip())
        return
    options = parse_options(arguments)
    files, others = picture_files(options.images) if options.images is not None else ([], [])
    refuse_to_overwrite(options, files)
    if others:
        print(f"left out, no pictures by their names: {', '.join(path.name for path in others[:5])}")
    from hourglass.runs.evaluation.codes.embed import embed  # torch: only now

    embed(options, files)
