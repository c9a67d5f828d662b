"""`operators`: a card for every operator, what it does to an image before any training."""

from pathlib import Path
from typing import TYPE_CHECKING

from hourglass.config.compose import options
from hourglass.config.slots import packages_in
from hourglass.core.compat.extras import needing_report
from hourglass.core.errors import ConfigError
from hourglass.core.files import expanded
from hourglass.core.text import IN_CHECKOUT, command

if TYPE_CHECKING:
    from hourglass.report.cards.variants import Group

FOLDER = Path(__file__).parents[4] / "docs" / "operators" if IN_CHECKOUT else Path("operators")
SOME = Path("logs") / "operators"
HELP = f"""{command("operators")} [decoder=NAME,…] [encoder=NAME,…] [image=FILE] [out=FOLDER] [--check]

decoder, encoder   these operators alone, such as decoder=transpose,resize; {command("show")} puts them into networks
image              a picture of yours, in one more panel: made grey and 96×96, its central square
out                folder for the cards, a picture for each operator and an overview: {FOLDER} if not given,
                   {SOME} with one of the above
--check            write nothing; say what in it is not up to date, with exit code 1"""


def main(arguments: list[str]) -> None:
    """Raises ConfigError with `--check` where the cards are not up to date."""
    if {"-h", "--help"} & set(arguments):
        print(HELP)
        return
    given = dict(argument.split("=", 1) for argument in arguments if "=" in argument)
    flags = [argument for argument in arguments if "=" not in argument]
    own = sorted(given.keys() & {"decoder", "encoder", "image"})
    if given.keys() - {"out", *own} or set(flags) - {"--check"} or len(given) + len(flags) < len(arguments):
        raise ConfigError(
            f"{' '.join(arguments)}: operators takes decoder=, encoder=, image= and out=FOLDER, each once, and --check"
        )
    if flags and own:
        raise ConfigError(f"--check compares all cards: leave out {'= and '.join(own)}=")
    only = _chosen(given)
    folder = expanded(given.get("out", SOME if own else FOLDER))
    if own and folder.resolve() == FOLDER.resolve():
        raise ConfigError(f"{folder} is the folder of all cards, and the others would be deleted: choose another out=")
    with needing_report("cards need"):
        import torch

        from hourglass.report.cards import page, probes  # matplotlib and torch: only now
    torch.set_num_threads(1)  # many small convolutions: more threads would wait for each other
    if own:
        picture = probes.read_picture(expanded(given["image"])) if "image" in given else None
        print(f"{len(page.write(folder, page.measure_all(only, picture)))} files in {folder}")
    elif not flags:
        print(f"{len(page.write(folder))} files in {folder}")
    elif problems := page.stale(folder):
        problems.append(f"{folder} is not up to date: run {command('operators')}")
        raise ConfigError("\n".join(problems))
    else:
        print(f"{folder} is up to date")


def _chosen(given: dict[str, str]) -> "dict[Group, list[str]] | None":
    """Group -> the operators named; None: all of both."""
    groups: tuple[Group, ...] = ("decoder", "encoder")
    only = {group: packages_in([given[group]]) for group in groups if group in given}
    for group, names in only.items():
        known = [name for name in options(group) if name != "linear"]
        if not names or set(names) - set(known):
            raise ConfigError(f"{group}={given[group]}: name operators of conf/{group}: {', '.join(known)}")
    return only or None
