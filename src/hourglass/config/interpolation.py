"""Interpolations in OmegaConf's own grammar: which of them run something, and what they grow to."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

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
        if place in sizes:
            if (known := sizes[place]) is None:
                raise ValueError(f"{'.'.join(place)} refers to itself")
            return known
        sizes[place] = None
        if isinstance(node, dict | list):
            pairs = node.items() if isinstance(node, dict) else enumerate(node)
            total = 1 + sum(size((*place, str(key)), inner) for key, inner in pairs)
        else:
            text = node if isinstance(node, str) else ""
            total = 1 + len(text) + sum(size(*_target(tree, place, key)) for key in _references(text))
        if total > most:
            raise ValueError(f"{'.'.join(place)} grows to more than {most:,} values and characters")
        sizes[place] = total
        return total

    return size((), tree)


def _target(tree: Any, place: Place, key: str) -> tuple[Place, Any]:
    """Where the reference `key` leads that stands at `place`, and what is there: None, where nothing is."""
    up = len(key) - len(key.lstrip("."))
    there = (*(place[: max(0, len(place) - up)] if up else ()), *re.findall(r"[^.\[\]]+", key))
    node: Any = tree
    for step in there:
        if "${" in key or (isinstance(node, str) and "${" in node):
            raise ValueError(f"${{{key}}} goes through another reference")
        try:
            node = node[int(step)] if isinstance(node, list) else node[step]
        except (KeyError, IndexError, ValueError, TypeError):
            node = None
    return there, node
