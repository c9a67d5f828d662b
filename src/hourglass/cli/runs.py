"""`runs`: what was trained, listed, compared and cleaned up. No torch at all."""

from hourglass.sweeps.overview.cleaning import clean
from hourglass.sweeps.overview.comparing import comparison
from hourglass.sweeps.overview.listing import listing
from hourglass.sweeps.overview.request import HELP, parse_request


def main(arguments: list[str]) -> None:
    if set(arguments) & {"-h", "--help"}:
        print(HELP)
        return
    request = parse_request(arguments)
    if request.action == "compare":
        print(comparison(*request.folders))
    elif request.action == "clean":
        clean(request)
    else:
        print(listing(request.folders[0], request.chosen))
