"""The JSON files of run and sweep folders: the number of their format, a promise from 0.2 on, and what each holds."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NotRequired

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict  # pydantic wants this one before Python 3.12

from hourglass.core.errors import DataError, Torn
from hourglass.core.files import read_text
from hourglass.core.measures import ANY, MEASURES, Better, unnumbered
from hourglass.core.text import printable

FORMAT = 1
"""In `summary.json` and `sweep.json`: raised when what a folder holds is written anew."""
LARGEST = 3_000_000
"""Bytes of a JSON file that are read: some thousands of jobs of a sweep."""


def _in_range(metrics: dict[str, float | None]) -> dict[str, float | None]:
    """Raise ValueError where a metric of ours is what it cannot be; rounding may lead a little beyond its bounds."""
    for name, value in metrics.items():
        what = unnumbered(name.split("/")[-1])
        low, high = MEASURES[what].bounds if what in MEASURES else ANY
        if value is not None and not low - 1e-5 <= value <= high + 1e-5:
            raise ValueError(f"{name} is {value:g}, and lies between {low:g} and {high:g}")
    return metrics


Identity = Annotated[str, Field(pattern="^[0-9a-f]{8}$")]
Whole = Annotated[int, Field(ge=0, lt=2**63)]
Number = Annotated[float, Field(allow_inf_nan=False)] | None
"""null stands for what is not finite, which JSON does not have."""
Metrics = Annotated[dict[str, Number], AfterValidator(_in_range)]
Point = Annotated[list[Annotated[float, Field(ge=0, le=1e9)]], Field(min_length=2, max_length=2)]
Curve = Annotated[list[Point], Field(min_length=1, max_length=100)]
Widths = list[Annotated[int, Field(ge=1, lt=2**31)]]
Value = str | bool | int | float | None
OPEN = ConfigDict(strict=True, extra="allow")
"""Keys are added within one format, so one that is not known is kept."""


class Images(TypedDict, total=False):
    __pydantic_config__ = OPEN  # type: ignore[misc]
    fingerprint: str
    test_fingerprint: str
    train: Whole
    val: Whole
    test: Whole


class Described(TypedDict):
    """How a run describes what it logged: a `hourglass.core.measures.Measure`."""

    __pydantic_config__ = OPEN  # type: ignore[misc]
    title: str
    meaning: str
    better: Better | None
    unit: str
    per_image: bool


class Summary(TypedDict, total=False):
    """`summary.json`: see `hourglass.runs.summary`."""

    __pydantic_config__ = OPEN  # type: ignore[misc]
    format: int
    status: Annotated[str, Field(pattern="^[a-z]{1,20}$")]
    id: Identity
    choices: dict[Annotated[str, Field(pattern="^[a-z_]+$")], str]
    seed: Whole
    sweep: str | None
    overrides: list[str]
    found_by: list[str]
    error: str | None
    channels: Widths | None
    decoder_channels: Widths | None
    metrics: Metrics
    measures: dict[str, Described]
    effects: list[str]
    cost: dict[str, Annotated[float, Field(ge=0, allow_inf_nan=False)] | None]
    baselines: dict[str, Number]
    ratios: dict[str, Number]
    rate_curves: dict[Annotated[str, Field(pattern="^[a-z_]{1,20}$")], Curve]
    health: dict[str, Whole]
    versions: dict[str, str]
    hardware: dict[str, str | int]
    data: Images


class Git(TypedDict):
    commit: str
    dirty: bool


class Tuned(TypedDict):
    __pydantic_config__ = OPEN  # type: ignore[misc]
    keys: list[str]
    seeds: list[Whole]
    metric: str | None


class Invocation(TypedDict):
    __pydantic_config__ = OPEN  # type: ignore[misc]
    command: str
    time: str
    git: NotRequired[Git | None]
    jobs: NotRequired[list[str]]
    declared: NotRequired[dict[str, str]]
    changed_since_fixed: NotRequired[list[str] | None]
    beside_fixed: NotRequired[list[str] | None]
    tuning: NotRequired[Tuned]


class Planned(TypedDict):
    __pydantic_config__ = OPEN  # type: ignore[misc]
    overrides: list[str]


class Sweep(TypedDict):
    """`sweep.json`: see `hourglass.sweeps.record`."""

    __pydantic_config__ = OPEN  # type: ignore[misc]
    format: int
    name: NotRequired[str]
    invocations: list[Invocation]
    jobs: dict[str, Planned]


class Corruption(TypedDict):
    __pydantic_config__ = OPEN  # type: ignore[misc]
    kind: str
    level: Number


class Evaluation(TypedDict):
    """`evaluations/<id>.json`: see `hourglass.runs.evaluation.records`."""

    __pydantic_config__ = OPEN  # type: ignore[misc]
    id: Identity
    corruption: Annotated[Corruption, AfterValidator(TypeAdapter(dict[str, Value | list[Value]]).validate_python)]
    data: str
    metrics: Metrics
    run: NotRequired[Identity]
    weights: NotRequired[Identity]
    seed: NotRequired[Whole | None]
    overrides: NotRequired[list[str]]
    data_fingerprint: NotRequired[str | None]


class Worth(TypedDict):
    """`codes/<name>.json`: see `hourglass.runs.evaluation.codes.records`."""

    __pydantic_config__ = OPEN  # type: ignore[misc]
    run: Identity
    weights: Identity
    metrics: Metrics


FORMS = {form: TypeAdapter(form) for form in (Summary, Sweep, Evaluation, Worth)}


def read_form(path: Path, folder: Path, form: Any, needs: Sequence[str] = (), *, cure: str = "") -> dict[str, Any]:
    """A JSON file of a folder that anybody may have made, as one of the forms above; `needs`: keys that are optional.

    Strings come without control characters. Raises FileNotFoundError where it is missing, DataError where it is of
    another format, Torn where it is not whole or holds something else; `cure` is what to do then.
    """
    try:
        content = json.loads(read_text(path, folder, largest=LARGEST))
        if not isinstance(content, dict):
            raise ValueError(f"it holds {type(content).__name__}")
        if "format" in form.__annotations__:
            check_format(content, path)
        refuse_gaps(content, needs, path, cure)
        FORMS[form].validate_python(content)
        checked: dict[str, Any] = printable(content)
        return checked
    except (ValueError, RecursionError) as torn:
        raise Torn(f"{path} is not whole ({_reason(torn)}){cure}") from torn


def refuse_gaps(content: Mapping[str, Any], needs: Sequence[str], path: Path, cure: str) -> None:
    """Raise Torn where the content of a JSON file lacks keys."""
    if missing := [key for key in needs if key not in content]:
        raise Torn(f"{path} is not whole (it lacks {', '.join(missing)}){cure}")


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return str(error)


def check_format(content: dict[str, Any], path: Path) -> None:
    """Raise DataError unless `content`, read from `path`, is of this version's format."""
    there = content.get("format")
    if there == FORMAT:
        return
    if there is None:
        raise DataError(
            f"{path} has no format number, so hourglass 0.1 or something else wrote it: run it again, or read it with "
            "the version that wrote it"
        )
    raise DataError(
        f"{path} has format {there}, and this version of hourglass reads {FORMAT}: use the version that wrote it, "
        "which versions in summary.json names"
    )
