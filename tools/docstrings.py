"""The words of a card, read from the operator's docstring, where they have their only home."""

import inspect
import re
from typing import Any, NamedTuple

FIELDS = ("Size", "Side information", "Source")


class Words(NamedTuple):
    """What the docstring of an operator states."""

    formula: str
    """Its first line: a name, a colon, the formula."""
    notes: str
    """The other sentences."""
    size: str
    side_information: str
    source: str


def words_of(operator: Any) -> Words:
    """Of an operator; one that stands behind another (`smooth`) says only what differs, the rest is the other's."""
    formula, _, body = (inspect.getdoc(type(operator)) or "").partition("\n")
    fields, notes = _fields(" ".join(body.split()))
    if hasattr(operator, "up"):
        inner = words_of(operator.up)
        notes = f"{notes} Here `up` is `{type(operator.up).__name__}`. {inner.formula}"
        fields = dict(zip(FIELDS, (inner.size, inner.side_information, inner.source), strict=True)) | fields
    missing = [field for field in FIELDS if not fields.get(field)]
    if missing or " = " not in formula:
        raise ValueError(
            f"the docstring of {type(operator).__name__} needs a formula in its first line, then 'Size: ….', "
            f"'Side information: ….' and, last, 'Source: ….'; missing: {', '.join(missing) or 'the formula'}"
        )
    return Words(formula, notes, *(fields[field] for field in FIELDS))


def _fields(body: str) -> tuple[dict[str, str], str]:
    """The fields and the other sentences; a source goes on to the end, other fields to the end of their sentence."""
    fields = {}
    for field in reversed(FIELDS):
        end = "$" if field == "Source" else r"(?=\.(?:\s|$))"
        match = re.search(rf"(?:^|(?<=\. )){field}: (.+?){end}\.?", body)
        if match:
            fields[field] = match[1].rstrip(".")
            body = f"{body[: match.start()].rstrip()} {body[match.end() :].lstrip()}".strip()
    return fields, body


def markdown(text: str) -> str:
    """Text whose formulas keep their underscores, stars and angles; `code` stays as it is."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(
        part if part.startswith("`") else re.sub(r"[*<]|(?<!\w)_|_(?!\w)", r"\\\g<0>", part) for part in parts
    )
