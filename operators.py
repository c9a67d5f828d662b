"""Draw a card for every operator: `python operators.py` writes docs/operators, `--check` says what there is stale."""

from hourglass.cli import run

if __name__ == "__main__":
    run("operators")
