"""Files and command lines as a stranger or a mistake may make them, and what must not come of them."""

import copy
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra.errors import HydraException
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from omegaconf.errors import OmegaConfBaseException

from hourglass.core.errors import HourglassError

ANSWERS = (HourglassError, HydraException, OmegaConfBaseException)
"""What `hourglass.cli.entry` turns into a sentence."""
FIXTURES = Path(__file__).parents[1] / "fixtures" / "format1"
SECRET = "SEKRIT-0123456789"
LONGEST = 10.0
"""Seconds of computing that one example may take: what grows without bound takes minutes."""

fuzz = settings(
    max_examples=500, derandomize=True, deadline=None, database=None, phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
)  # fmt: skip

evil = st.sampled_from(
    [
        "${oc.env:CANARY}", "${oc.${x}:CANARY}", "${seed}", "${..seed}", "${.}", "${", "\\${seed}", "???", "", "~",
        "canary.Trap", "os.system", "hourglass.core.provenance._git", "hourglass.load_run", "../../outside",
        "/etc/passwd", "a/../../outside", "\x1b[2J", "\u202e", "\ud800", "<script>", "=1+1", "x" * 3000, "nan",
        "0" * 400, "\n", "|`",
    ]
)  # fmt: skip
plain = (
    st.none() | st.booleans() | st.integers() | st.integers(-3, 3) | st.floats() | st.text(max_size=8) | evil
    | st.sampled_from([10**400, 2**63, -(2**63), 1e308, -0.0, 5e-324])
)  # fmt: skip
key = st.sampled_from(["_target_", "_args_", "_partial_", "id", "seed", "test/mse", "x", "../x"]) | st.text(max_size=5)
value = st.recursive(plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(key, inner, max_size=3))


def places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """(holder, key) of everything inside a tree."""
    if isinstance(tree, dict | list):
        for name, inner in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield tree, name
            yield from places(inner)


@st.composite
def changed(draw: Callable[..., Any], tree: Any) -> Any:
    """A tree of JSON or YAML with some values replaced, taken away or added."""
    tree = copy.deepcopy(tree)
    for _ in range(draw(st.integers(1, 3))):
        everywhere = list(places(tree))
        if not everywhere:
            break
        holder, name = everywhere[draw(st.integers(0, len(everywhere) - 1))]
        what = draw(st.sampled_from(["replace", "replace", "take away", "add", "rename"]))
        if what == "take away":
            del holder[name]
        elif what == "add" and isinstance(holder, dict):
            holder[draw(key)] = draw(value)
        elif what == "rename" and isinstance(holder, dict):
            holder[draw(key)] = holder.pop(name)
        else:
            holder[name] = draw(value)
    return tree


@contextmanager
def harmless(folder: Path) -> Iterator[None]:
    """It ends well or in a sentence, soon; it writes nothing beside `folder`, and runs nothing of what it was given."""
    before, start = sorted(os.listdir(folder.parent)), time.process_time()
    answer = "it ended well"
    try:
        yield
    except ANSWERS as error:
        answer = str(error)
    assert answer.strip()
    assert SECRET not in answer
    assert time.process_time() - start < LONGEST
    assert sorted(os.listdir(folder.parent)) == before
    assert "canary" not in sys.modules
