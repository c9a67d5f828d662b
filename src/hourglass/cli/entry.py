"""The command `hourglass`, and what every command does with a mistake: one message, exit code 1."""

import atexit
import gc
import importlib
import io
import os
import re
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from omegaconf.errors import OmegaConfBaseException

import hourglass
from hourglass.config.compose import advice, register_resolvers
from hourglass.core import signals
from hourglass.core.errors import Fault, HourglassError, Interrupted
from hourglass.core.processes.environment import wait_asleep
from hourglass.core.text import first_line

COMMANDS = {
    "train": "train an autoencoder, or with -m many of them",
    "evaluate": "trained runs again, under other corruption, levels or data",
    "show": "operators side by side on one picture, from untrained to trained",
    "reconstruct": "your own pictures through a trained autoencoder",
    "embed": "the codes of a data set, or of your own pictures, as a table",
    "probe": "what the codes of trained runs are worth: labels and factors read off them",
    "sample": "new images from a trained run, and how they compare with real ones",
    "export": "a trained autoencoder as a file that others run",
    "report": "a sweep turned into an answer",
    "data": "decoded pictures, listed and cleared",
    "runs": "your runs: listed, compared, cleaned up",
    "operators": "a card for every operator: what it does before any training",
}
PACKAGES = {"codes": ("embed", "probe", "sample"), "pictures": ("operators", "reconstruct", "show")}
"""Commands that lie in a package below this one."""
USAGE = f"""usage: hourglass COMMAND [ARGUMENT …]

{chr(10).join(f"  {name:<13}{what}" for name, what in COMMANDS.items())}

hourglass COMMAND --help tells more, hourglass --version which version this is."""


def main() -> None:
    """The entry point of the installed command, and of `python -m hourglass`."""
    _suit_the_terminal()
    command, *arguments = [*sys.argv[1:], ""][: max(1, len(sys.argv) - 1)]
    if command in ("-sc", "--shell-completion"):
        complete(arguments)
    elif command in ("", "-h", "--help"):
        print(USAGE)
    elif command in ("-V", "--version"):
        print(f"hourglass {hourglass.__version__}")
    elif command in COMMANDS:
        run(command, arguments)
    else:
        sys.exit(f"{command} is no command of hourglass\n\n{USAGE}")


def run(command: str, arguments: Sequence[str] | None = None) -> None:
    """Run a command; a mistake of the user ends in a short message and exit code 1. None: the process's arguments."""
    _suit_the_terminal()
    wait_asleep()
    _spare_the_collector(command)
    given = list(sys.argv[1:] if arguments is None else arguments)
    if "--version" in given:  # Hydra would say which of its own it is
        print(f"hourglass {hourglass.__version__}")
        return
    package = next((f"{name}." for name, commands in PACKAGES.items() if command in commands), "")
    task: Callable[[list[str]], object] = importlib.import_module(f"hourglass.cli.{package}{command}").main
    register_resolvers()
    if os.environ.get("HYDRA_FULL_ERROR") == "1":
        task(given)
        return
    os.environ["HYDRA_FULL_ERROR"] = "1"  # let errors reach us, instead of Hydra's printing and exiting
    try:
        task(given)
    except Interrupted:
        signals.ignore()  # one more of them, while Python ends without its handlers, would change the exit code
        raise
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    except (HourglassError, OmegaConfBaseException, _hydra_exception()) as error:
        sys.exit(f"\n{type(error).__name__}: {advice(error, given)}\n(HYDRA_FULL_ERROR=1 shows where it was raised)")
    except Fault as fault:
        _by_a_fault_of_ours(fault.__cause__ or fault, fault.log)
    except OSError as error:
        if error.filename is None:
            _by_a_fault_of_ours(error)
        sys.exit(f"\n{error.filename}: {error.strerror}: make room or give permission there, or choose another folder")
    except Exception as error:
        _by_a_fault_of_ours(error)


def _suit_the_terminal() -> None:
    """× and ± become ? on a terminal that has no such signs, as on Python's own stderr."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def _spare_the_collector(command: str) -> None:
    """Look for cycles seldom while libraries make half a million lasting objects, and not among them at the end.

    That takes a quarter of the seconds from the start of a process to its end, but for its work. What a report reads
    and writes lasts until its end, so nothing is looked for.
    """
    if command == "report":
        gc.disable()
    gc.set_threshold(10_000, *gc.get_threshold()[1:])
    atexit.register(gc.freeze)


def _hydra_exception() -> type[Exception]:
    from hydra.errors import HydraException  # late: not every command needs Hydra, and it takes long to import

    return HydraException


def _by_a_fault_of_ours(error: BaseException, log: Path | None = None) -> NoReturn:
    """The last resort: one line, and the traceback in a file, which is the `log` where a run has one."""
    if log is None:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", prefix="hourglass-", suffix=".log", delete=False
        ) as file:
            file.writelines(traceback.format_exception(error))
        log = Path(file.name)
    sys.exit(
        f"\n{type(error).__name__}: {first_line(error)}\nThis is a fault of hourglass, or of a library: please report "
        f"it with {log}, which has the traceback"
    )


def complete(arguments: Sequence[str]) -> None:
    """What the shell's completion of `hourglass …` asks for: the commands, and behind `train` what Hydra knows."""
    line = os.environ.get("COMP_LINE", "")
    words = re.match(r"\S+\s+(\S*)(\s?)", line)
    if words and words[1] == "train" and words[2]:
        os.environ["COMP_LINE"] = line.replace(" train", "", 1)
    elif arguments and arguments[0].startswith("query="):
        print(" ".join(command for command in COMMANDS if words is None or command.startswith(words[1])))
        return
    run("train", ["-sc", *arguments])
