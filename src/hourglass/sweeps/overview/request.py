"""What `runs` is asked for."""

from dataclasses import dataclass, field
from pathlib import Path

from hourglass.core.errors import ConfigError
from hourglass.core.files import expanded
from hourglass.core.text import command, meant
from hourglass.runs.status import STATUSES

ACTIONS = ("list", "compare", "clean")
KEYS = (
    "status", "id", "seed", "sweep", "model", "encoder", "latent", "decoder", "data", "corruption", "loss", "optimizer",
    "experiment",
)  # fmt: skip
"""By which runs can be chosen."""
BROKEN = ("failed", "diverged", "incompatible", "torn")
"""What `clean` removes unless `status=` says otherwise."""
NEVER = ("completed", "running")
FOLDER = Path("logs")
HELP = f"""{command("runs")} [list] [FOLDER] [status=completed] [decoder=resize] …
{command("runs")} compare RUN RUN
{command("runs")} clean [FOLDER] [status=interrupted] … [yes=true]

list      runs and sweeps below FOLDER ({FOLDER} if not given), a sweep in one line; those that match, each in its own,
          where something is asked for: {", ".join(KEYS)}; status=failed,diverged is one or the other
compare   what two runs were told differently, and what came of it
clean     remove the runs that are {", ".join(BROKEN)}, or of the status that is asked for, never
          completed or running ones; those of a sweep only where FOLDER is that sweep. It asks, but for yes=true"""


@dataclass(frozen=True)
class Request:
    action: str
    folders: list[Path]
    chosen: dict[str, list[str]] = field(default_factory=dict)
    """Key -> the values that it may have"""
    yes: bool = False


def parse_request(arguments: list[str]) -> Request:
    """The request; raises ConfigError for what the command line cannot mean."""
    action, rest = (arguments[0], arguments[1:]) if arguments and arguments[0] in ACTIONS else ("list", arguments)
    folders, chosen, yes = list[Path](), dict[str, list[str]](), False
    for argument in rest:
        key, equals, value = argument.partition("=")
        if not equals or "/" in key:
            folders.append(expanded(argument) if argument.startswith("~/") else Path(argument))
        elif key == "yes" and action == "clean":
            if value not in ("true", "false"):
                raise ConfigError(f"{argument}: it is yes=true, or left out")
            yes = value == "true"
        elif key in chosen:
            raise ConfigError(f"{key} is given twice: give it once, several values as in status=failed,diverged")
        elif key not in KEYS or action == "compare":
            raise ConfigError(
                f"{argument}: runs {action} has no such option{_near(key)}; {command('runs')} --help has all"
            )
        else:
            chosen[key] = value.split(",")
    if unknown := [status for status in chosen.get("status", []) if status not in STATUSES]:
        raise ConfigError(f"status={unknown[0]}: it is one of {', '.join(STATUSES)}")
    if action == "compare" and len(folders) != 2:
        raise ConfigError(f"name two runs: {command('runs')} compare logs/runs/<run> logs/runs/<run>")
    if action != "compare" and len(folders) > 1:
        raise ConfigError(f"{folders[1]}: runs {action} takes one folder{_meant_as_action(folders)}")
    if action == "clean" and (kept := [status for status in chosen.get("status", []) if status in NEVER]):
        raise ConfigError(f"status={kept[0]}: clean never removes {' or '.join(NEVER)} runs")
    return Request(action, folders or [FOLDER], chosen, yes)


def _near(key: str) -> str:
    near = meant(key, (*KEYS, "yes"), sign="=")
    return f" ({near})" if near else ""


def _meant_as_action(folders: list[Path]) -> str:
    near = meant(str(folders[0]), ACTIONS)
    return f" ({near})" if near else ""
