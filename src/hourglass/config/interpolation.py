"""Interpolations in OmegaConf's own grammar: which of them run something, what they grow to, and their values."""

import re
from collections.abc import Iterator
from functools import cache
from types import NoneType
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import GrammarParseError
from omegaconf.grammar.gen.OmegaConfGrammarParser import OmegaConfGrammarParser
from omegaconf.grammar_parser import parse


@cache  # a sweep repeats the same few in every run
def calls_resolver(text: str) -> bool:
    """Does a value call a resolver, such as `${oc.env:HOME}` or `${oc.${x}:HOME}`, anywhere in it?

    A mere reference to another key, `${channels}`, does not. What OmegaConf cannot parse counts as a call.
    """
    if "${" not in text:
        return False
    try:
        return _calls(parse(text))
    except GrammarParseError:
        return True


def _calls(node: Any) -> bool:
    return any(isinstance(one, OmegaConfGrammarParser.InterpolationResolverContext) for one in _inside(node))


def _inside(node: Any) -> Iterator[Any]:
    yield node
    for child in getattr(node, "children", None) or ():
        yield from _inside(child)


@cache
def _references(text: str) -> list[str]:
    """`["a.b", "..c"]` of the value `${a.b}/${..c}`"""
    if "${" not in text:
        return []
    kind = OmegaConfGrammarParser.InterpolationNodeContext
    return [one.getText()[2:-1].strip() for one in _inside(parse(text)) if isinstance(one, kind)]


Place = tuple[str, ...]


def grown(tree: Any, most: int) -> int:
    """Nodes and characters of a nested value once its references are followed: a few lines can make billions.

    Raises ValueError for more than `most`, for references in a circle, and for those that go through others.
    """
    sizes: dict[Place, int | None] = {}

    def size(place: Place, node: Any) -> int:
        if not isinstance(node, (dict, list)) and not (isinstance(node, str) and "${" in node):
            return 1 + (len(node) if isinstance(node, str) else 0)
        if place in sizes:
            if (known := sizes[place]) is None:
                raise ValueError(f"{'.'.join(place)} refers to itself")
            return known
        sizes[place] = None
        if isinstance(node, str):
            total = 1 + len(node) + sum(behind(place, key) for key in _references(node))
        else:
            pairs = node.items() if isinstance(node, dict) else enumerate(node)
            total = 1 + sum(size((*place, str(key)), inner) for key, inner in pairs)
        if total > most:
            raise ValueError(f"{'.'.join(place)} grows to more than {most:,} values and characters")
        sizes[place] = total
        return total

    def behind(place: Place, key: str) -> int:
        try:
            target = _target(tree, place, key)
        except LookupError:  # OmegaConf will say so
            return 1
        return size(*target)

    return size((), tree)


def _target(tree: Any, place: Place, key: str) -> tuple[Place, Any]:
    """Where the reference `key` leads that stands at `place`, and what is there.

    Raises LookupError where nothing is, ValueError where another reference is on the way.
    """
    up = len(key) - len(key.lstrip("."))
    if up > len(place):
        raise LookupError(key)
    there = (*(place[: len(place) - up] if up else ()), *re.findall(r"[^.\[\]]+", key))
    node: Any = tree
    for step in there:
        if "${" in key or (isinstance(node, str) and "${" in node):
            raise ValueError(f"${{{key}}} goes through another reference")
        try:
            node = node[int(step)] if isinstance(node, list) else node[step]
        except (LookupError, ValueError, TypeError) as nothing:
            raise LookupError(key) from nothing
    return there, node


WHOLE = re.compile(r"\$\{(\.*[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\}", re.ASCII)
"""A reference to a value, and nothing beside it"""


def resolved(tree: dict[str, Any]) -> dict[str, Any]:
    """A nested value with the values of its references, as OmegaConf gives them; raises OmegaConf's errors.

    References to whole values are followed right here, in a hundredth of the time: a report reads hundreds of
    configurations. OmegaConf does it where there is anything else.
    """
    try:
        values: dict[str, Any] = _followed(tree, (), tree)
    except (LookupError, ValueError, RecursionError):
        values = OmegaConf.to_container(OmegaConf.create(tree), resolve=True)  # type: ignore[assignment]
    return values


def _followed(tree: Any, place: Place, node: Any) -> Any:
    """The value of the `node` at `place`, with its references followed. Raises LookupError for what is not simple."""
    if type(node) is dict and all(type(key) is str for key in node):
        return {key: _followed(tree, (*place, key), inner) for key, inner in node.items()}
    if type(node) is list:
        return [_followed(tree, (*place, str(i)), inner) for i, inner in enumerate(node)]
    if type(node) is str and "${" in node and (reference := WHOLE.fullmatch(node)):
        return _followed(tree, *_target(tree, place, reference[1]))
    if type(node) not in (str, int, float, bool, NoneType) or node == "???" or (type(node) is str and "${" in node):
        raise LookupError(place)
    return node
