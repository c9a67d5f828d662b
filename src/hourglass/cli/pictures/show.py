"""`show`: operators side by side on one picture. No torch until it is clear what is to be shown."""

from hourglass.config.compose import CONF
from hourglass.core.errors import ConfigError
from hourglass.report.show.options import parse_options


def main(arguments: list[str]) -> None:
    if set(arguments) & {"-h", "--help"}:
        print((CONF / "show.yaml").read_text(encoding="utf-8").rstrip())
        return
    options = parse_options(arguments)
    try:
        from hourglass.report.show.make import make  # matplotlib and torch: only now
    except ModuleNotFoundError as error:
        if error.name in ("matplotlib", "jinja2"):
            raise ConfigError(f"pictures need {error.name}: pip install 'hourglass[report]'") from None
        raise
    make(options)
