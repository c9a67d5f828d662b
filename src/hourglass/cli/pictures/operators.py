"""`operators`: a card for every operator, what it does to an image before any training."""

from pathlib import Path

from hourglass.core.errors import ConfigError
from hourglass.core.text import IN_CHECKOUT, command

FOLDER = Path(__file__).parents[4] / "docs" / "operators" if IN_CHECKOUT else Path("operators")
HELP = f"""{command("operators")} [out=FOLDER] [--check]

out       folder for the cards, a picture for each operator and an overview: {FOLDER} if not given
--check   write nothing; say what in it is not up to date, with exit code 1"""


def main(arguments: list[str]) -> None:
    """Raises ConfigError with `--check` where the cards are not up to date."""
    if {"-h", "--help"} & set(arguments):
        print(HELP)
        return
    folders = [argument.removeprefix("out=") for argument in arguments if argument.startswith("out=")]
    unknown = [argument for argument in arguments if not argument.startswith("out=") and argument != "--check"]
    if unknown or len(folders) > 1:
        raise ConfigError(f"{' '.join(unknown or arguments)}: operators takes out=FOLDER, once, and --check")
    folder = Path(folders[0]).expanduser() if folders else FOLDER
    try:
        import torch

        from hourglass.report.cards import page  # matplotlib and torch: only now
    except ModuleNotFoundError as error:
        if error.name == "matplotlib":
            raise ConfigError("cards need matplotlib: pip install 'hourglass[report]'") from None
        raise
    torch.set_num_threads(1)  # many small convolutions: more threads would wait for each other
    if "--check" not in arguments:
        print(f"{len(page.write(folder))} files in {folder}")
    elif problems := page.stale(folder):
        problems.append(f"{folder} is not up to date: run {command('operators')}")
        raise ConfigError("\n".join(problems))
    else:
        print(f"{folder} is up to date")
