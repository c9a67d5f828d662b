"""`evaluate`: trained runs under other corruption, levels or data. No torch until something is measured.

Every evaluation becomes `evaluations/<id>.json` in its run folder. The id is a hash of what was evaluated, alike in all
runs, so that it groups them; what is there already, of the same weights, is not measured again.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from hourglass.config.compose import CONF, options
from hourglass.config.slots import refuse_foreign_parts
from hourglass.core import provenance
from hourglass.core.errors import DataError, HourglassError, Torn
from hourglass.core.text import printable
from hourglass.runs.evaluation.records import Record, known, weights_of, write
from hourglass.runs.evaluation.request import GROUPS, Evaluation, Request, evaluations, parse_request
from hourglass.runs.evaluation.select import runs_of
from hourglass.runs.evaluation.table import table
from hourglass.runs.read import check_identity, read_configuration, read_summary

NEEDED = ("data", "corruption", "encoder", "latent", "decoder", "model", "loss", "metrics", "optimizer")
"""Groups of a run's configuration whose parts are made."""


def main(arguments: list[str]) -> None:
    """Raises DataError at its end where a completed run could not be evaluated."""
    if not arguments or set(arguments) & {"-h", "--help"}:
        print((CONF / "evaluate.yaml").read_text(encoding="utf-8").rstrip())
        for group in GROUPS:
            print(f"# {group}: {', '.join(options(group))}")
        return
    request = parse_request(arguments)
    runs, left_out = runs_of(request.folder)
    command = Command(request)
    records: dict[Path, list[Record]] = {}
    failed: dict[str, list[str]] = {}
    for run in runs:
        try:
            for record in command.evaluate(run):
                records.setdefault(run, []).append(record)
        except Torn as error:
            left_out[printable(run.name)] = f"torn: {error}"
        except HourglassError as error:
            failed.setdefault(str(error), []).append(str(run))
    for name, why in left_out.items() if records else ():
        print(f"left out: {name}, {why}")
    if records:
        print(printable(table(records)))
    if not records:
        failed |= {why: [name] for name, why in left_out.items()}
    if failed:
        raise DataError("; ".join(f"{', '.join(of)} could not be evaluated: {why}" for why, of in failed.items()))


class Command:
    """One request, carried out on run after run."""

    def __init__(self, request: Request) -> None:
        self.request = request

    @cached_property
    def measure(self) -> Callable[[Path, Sequence[Evaluation]], Iterator[Any]]:
        from hourglass.runs.evaluation.measure import Measurer  # torch and lightning: only now

        return Measurer(self.request.options).measure

    def evaluate(self, run: Path) -> Iterator[Record]:
        """What is known of a run and what is measured now, in the order of the request; each is kept by then."""
        summary = read_summary(run)
        assert summary is not None, "it says that it is completed"
        best = run / "checkpoints" / "best.ckpt"
        if not best.exists():
            raise DataError(f"{best} does not exist: without its weights a run cannot be evaluated")
        weights = weights_of(run)
        configuration = read_configuration(run, self.request.options.trust)
        wanted = evaluations(configuration, summary["choices"], self.request)
        refuse_foreign_parts(wanted[0].configuration.plain, NEEDED, self.request.options.trust)
        check_identity(run, summary, configuration)
        records = {one.id: record for one in wanted if (record := known(run, one.id, weights)) is not None}
        lacks = self.request.options.lacks
        missing = [one for one in wanted if one.id not in records or lacks(records[one.id]["metrics"])]
        measure = self.measure(run, missing) if missing else iter(())
        for one in wanted:
            if one not in missing:
                yield records[one.id]
                continue
            measured = next(measure)
            record = {
                "id": one.id,
                "run": summary["id"],
                "corruption": one.corruption,
                "data": one.data,
                "data_fingerprint": measured.fingerprint,
                "metrics": records.get(one.id, {"metrics": {}})["metrics"] | measured.metrics,
                "seed": int(one.configuration.plain["data"]["seed"]),
                "weights": weights,
                "overrides": self.request.overrides,
                "time": datetime.now().astimezone().isoformat(timespec="seconds"),
                "versions": provenance.versions(one.configuration.packages),
            }
            yield write(run, record)
        there = len(wanted) - len(missing)
        more = f", {there} found in {run / 'evaluations'}" if there else ""
        print(printable(f"{run}: {len(missing)} evaluated{more}"))
        next(measure, None)  # what it could not measure, it says behind the last
