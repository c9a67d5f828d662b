"""Draw the cards of all operators: `python operators.py` writes docs/operators, `--check` says what there is stale."""

import argparse
import sys


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if the page is not up to date")
    only_check = parser.parse_args().check
    import torch  # only now

    from hourglass.report.cards import check, page

    torch.set_num_threads(1)  # many small convolutions: more threads would wait for each other
    if not only_check:
        print(f"{len(page.write())} files in {page.FOLDER}")
        return
    problems = check.stale(page.generate(), page.FOLDER)
    if problems:
        sys.exit("\n".join([*problems, "docs/operators is stale: run python operators.py and commit what it writes"]))
    print("docs/operators is up to date")


if __name__ == "__main__":
    main()
