"""From the command line to a run; one file a command. What is heavy, torch above all, is imported once it is needed."""

from hourglass.cli.entry import run

__all__ = ["run"]
