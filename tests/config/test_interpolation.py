"""Which interpolations run something, by OmegaConf's own grammar; and the values of the others, by OmegaConf itself."""

from typing import Any

import pytest
from hypothesis import given
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from helpers.fuzzing import changed, fuzz
from helpers.project import configure
from hourglass.config.interpolation import calls_resolver, resolved


@pytest.mark.parametrize(
    "text",
    [
        "${oc.env:X}", "${oc.${x}:HOME}", "${${y}:VAR}", "a ${b} and ${oc.env:X}", "${ oc.env : X }", "${oc.env:}",
        "${oc.env:A,${oc.env:B}}", "'${oc.env:X}'", "{a: ${oc.env:X}}", "\\\\${oc.env:X}", "${oc.decode:${a}}",
        "${unclosed", "${", "${}", "${a b}",
    ],
)  # fmt: skip
def test_a_resolver_and_what_cannot_be_parsed_counts_as_a_call(text: str) -> None:
    assert calls_resolver(text)


@pytest.mark.parametrize(
    "text",
    ["${channels}", "plain", "", "a ${b} c", "${a.${b}}", "${..seed}", "${a[0]}", "\\${oc.env:X}", "$ {oc.env:X}",
     "oc.env:X", "{a: b}"],
)  # fmt: skip
def test_a_reference_to_another_key_does_not(text: str) -> None:
    assert not calls_resolver(text)


def by_omegaconf(tree: dict[str, Any]) -> dict[str, Any]:
    return OmegaConf.to_container(OmegaConf.create(tree), resolve=True)  # type: ignore[return-value]


def answer(resolve: Any, tree: dict[str, Any]) -> Any:
    """The values, or what is wrong with them. As text, in which NaN is itself and 1 is not 1.0."""
    try:
        return repr(resolve(tree))
    except (OmegaConfBaseException, ValueError, RecursionError) as error:
        return type(error), str(error)


@pytest.mark.parametrize(
    "tree",
    [
        {"a": [1, {"b": "${..c}"}], "c": None}, {"a": {"b": "${c}", "d": 1}, "c": ["${a.d}", "${.0}"]},
        {"a": "${b}", "b": {"c": "${.d}", "d": "${...e}"}, "e": 1.0},
        {"a": {"b": "${.c}", "c": {"d": "${..e}"}, "e": 2}},
        {"a": "${b}", "b": "${a}"}, {"a": {"b": "${a}"}}, {"a": "${b.c}", "b": "${d}", "d": {"c": 1}},
        {"a": "???"}, {"a": "???", "b": "${a}"}, {"a": "${b}"}, {"a": "${..b}", "b": 1}, {"a": "${...b}", "b": 1},
        {"a": "${b} and ${b}", "b": 1}, {"a": "\\${b}", "b": 1}, {"a": "${b}\n", "b": 1}, {"a": "${", "b": 1},
        {"a": "${b[0]}", "b": [1]}, {"a": "${b.0}", "b": [1]}, {"a": "${null}", "null": 1}, {"a": "${é}", "é": 1},
        {"a.b": 1, "c": "${a.b}"}, {1: 2, "a": "${1}"}, {"a": object()}, {"a": (1, "${b}"), "b": 1},
    ],
)  # fmt: skip
def test_references_have_the_values_that_omegaconf_gives_them(tree: dict[str, Any]) -> None:
    assert answer(resolved, tree) == answer(by_omegaconf, tree)


@pytest.mark.slow
@given(changed({"a": {"x": "${seed}", "seed": ["${..x}", 1]}, "x": {"id": ["${b}", "${seed}"]}, "b": [], "seed": 0}))
@fuzz
def test_so_they_have_in_any_tree(tree: dict[str, Any]) -> None:
    assert answer(resolved, tree) == answer(by_omegaconf, tree)


def test_ours_are_resolved_without_omegaconf(monkeypatch: pytest.MonkeyPatch) -> None:
    written = configure("encoder=maxpool", "decoder=bilinear", "experiment=linear_vs_pca").written
    expected = by_omegaconf(written)
    monkeypatch.delattr(OmegaConf, "create")
    values = resolved(written)
    assert values == expected
    values["encoder"]["channels"].append(1)  # a list of its own
    assert values["channels"] == expected["channels"]
