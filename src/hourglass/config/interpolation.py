"""Interpolations in OmegaConf's own grammar: which of them run something."""

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
    if isinstance(node, OmegaConfGrammarParser.InterpolationResolverContext):
        return True
    return any(_calls(child) for child in getattr(node, "children", None) or ())
