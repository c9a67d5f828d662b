"""Which interpolations run something, by OmegaConf's own grammar."""

import pytest

from hourglass.config.interpolation import calls_resolver


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
