"""`probe`: what the codes of trained runs are worth. No torch until there is a run to read."""

from hourglass.config.compose import CONF
from hourglass.core.errors import DataError, HourglassError
from hourglass.core.text import command, printable
from hourglass.runs.evaluation.codes.probe_options import parse_options
from hourglass.runs.evaluation.select import runs_of


def main(arguments: list[str]) -> None:
    """Raises DataError at its end where a completed run could not be probed."""
    if not arguments or set(arguments) & {"-h", "--help"}:
        print((CONF / "probe.yaml").read_text(encoding="utf-8").rstrip())
        return
    options = parse_options(arguments)
    runs, left_out = runs_of(options.folder)
    from hourglass.runs.evaluation.codes.probe import probe, table  # torch: only now

    failed: dict[str, list[str]] = {}
    for run in runs:
        try:
            print(printable(f"{run}\n{table(probe(run, options))}\n"))
        except HourglassError as error:
            failed.setdefault(str(error), []).append(str(run))
    for name, why in left_out.items():
        print(f"left out: {name}, {why}")
    if failed:
        raise DataError("; ".join(f"{', '.join(of)} could not be probed: {why}" for why, of in failed.items()))
    where = runs[0] if len(runs) == 1 else runs[0].parent / "*"
    print(printable(f"written to {where}/codes/probe.json; {command('report')} {options.folder} shows it"))
