"""What the command line says, in Hydra's grammar, and what it cannot mean."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob, Override
from hydra.errors import OverrideParseException

from hourglass.config.identity import OF_THE_SWEEP, VOLATILE, within
from hourglass.core.errors import ConfigError
from hourglass.core.files import expanded
from hourglass.core.text import command, first_line

OPTIONAL = ("experiment", "search", "logger", "callbacks")
"""Groups of which a run need not have one."""
SEVERAL = ("logger", "metrics")
"""Groups of which a run may have several options: logger=[wandb,tensorboard]."""
EXTENSIBLE = ("hydra", "trainer.", "callbacks.", "logger.")
"""Where a `+` may add a key: classes of other packages, which have more options than our YAML names."""
LISTS = ("budgets", "tasks", "tune", "tuning.seeds")
"""Keys of a sweep that take a list."""
OF_A_SWEEP = ("tune", "tuning", "budgets")
"""Keys that make other sweeps, though no other runs."""


def parse(overrides: Iterable[str]) -> list[Override]:
    return OverridesParser.create().parse_overrides(list(overrides))


def at_home(overrides: Iterable[str]) -> list[str]:
    """`data.root=~/pictures` with the home folder in place of ~, which neither the shell nor Hydra's grammar knows."""
    return [re.sub(r"=(~/[^'\"]*)$", lambda m: f'="{expanded(m[1])}"', override) for override in overrides]


def refuse_what_hydra_does_not_explain(overrides: Iterable[str], groups: Mapping[str, Sequence[str]]) -> None:
    """Raise ConfigError for values that need quotes, and for a group that is given a value, or taken away."""
    for text in overrides:
        try:
            (override,) = parse([text])
        except OverrideParseException as error:
            key, equals, written = text.partition("=")
            if not equals or written[:1] in "\"'":
                raise
            quoted = f"'{key}=\"{written}\"'"
            raise ConfigError(f"{text}: {first_line(error)}. A value with such signs needs quotes: {quoted}") from None
        group = override.key_or_group
        if (group.startswith("hydra/") or not group) and not isinstance(override.value(), str | list | None):
            raise ConfigError(f"{text}: a group takes the name of one of its options")
        if group not in groups:
            continue
        choices = f"{group} is one of {', '.join(groups[group])}"
        if override.is_delete() and group not in OPTIONAL:
            raise ConfigError(f"{text}: every run needs one: {choices}")
        if override.is_sweep_override() or override.is_delete():
            continue
        value = override.value()
        chosen = value if isinstance(value, list) and group in SEVERAL else [value]
        if not (value is None and group in OPTIONAL) and not all(isinstance(one, str) for one in chosen):
            raise ConfigError(f"{text}: {choices}; a value goes to one of its keys, as in corruption.std=0.3")


def refuse_careless(overrides: Iterable[str]) -> None:
    """Hydra takes a key that is given twice (the last wins) and a new key with `+`; both are typos here."""
    parsed = parse(overrides)
    counts = Counter(override.key_or_group for override in parsed)
    for override in parsed:
        if counts[override.key_or_group] > 1:
            raise ConfigError(f"{override.key_or_group} is given {counts[override.key_or_group]} times: give it once")
        if override.is_add() and not override.key_or_group.startswith(EXTENSIBLE):
            raise ConfigError(
                f"{override.input_line}: a '+' adds a key that nothing reads; leave the '+' out, "
                f"and see {command('train')} --cfg job for the keys there are"
            )


def refuse_swept(given: Iterable[Override]) -> None:
    """Raise ConfigError for several values of a key that says something of the whole sweep, as in budgets=20,30."""
    for override in given:
        key = override.key_or_group
        if not (override.is_sweep_override() and any(within(key, one) for one in OF_THE_SWEEP)):
            continue
        enumerable = override.is_discrete_sweep() and not isinstance(override.value(), Glob)
        values = list(override.sweep_string_iterator()) if enumerable else []
        text = ",".join(values)
        cure = f"give one, as in {key}={values[0]}" if values else "give one"
        if key in LISTS and values and "{" not in text:
            cure = f"give a list, as in {key}=[{text.replace('[', '').replace(']', '')}]"
        raise ConfigError(f"{override.input_line}: one value is needed, {cure}")


def sweep_name(overrides: Sequence[str]) -> str:
    """Names a sweep by its experiment, or by the keys that vary and a hash of what matters to the result."""
    parsed = [override for override in parse(overrides) if override.key_or_group]
    volatile = [key for key in VOLATILE if key not in OF_A_SWEEP]
    kept = [o for o in parsed if not any(within(o.key_or_group, key) for key in volatile)]
    if len(kept) == 1 and kept[0].key_or_group == "experiment" and not kept[0].is_sweep_override():
        return str(kept[0].value())
    digest = hashlib.sha256("\n".join(sorted(str(o.input_line) for o in kept)).encode()).hexdigest()[:6]
    swept = [o.key_or_group.split(".")[-1] for o in kept if o.is_sweep_override()]
    searches = [f"search-{o.value()}" for o in parsed if o.key_or_group == "search"]
    return "-".join([*searches, *swept, digest])
