"""What the command line says, and what it cannot mean. No torch in here."""

from collections import Counter

from hydra.core.override_parser.overrides_parser import OverridesParser

from hourglass.core.errors import ConfigError

EXTENSIBLE = ("hydra", "trainer.", "callbacks.", "logger.")
"""Where a `+` may add a key: classes of other packages, which have more options than our YAML names."""


def refuse_careless(overrides: list[str]) -> None:
    """Hydra takes a key that is given twice (the last wins) and a new key with `+`; both are typos here."""
    parsed = OverridesParser.create().parse_overrides(overrides)
    counts = Counter(override.key_or_group for override in parsed)
    for override in parsed:
        if counts[override.key_or_group] > 1:
            raise ConfigError(f"{override.key_or_group} is given {counts[override.key_or_group]} times: give it once")
        if override.is_add() and not override.key_or_group.startswith(EXTENSIBLE):
            raise ConfigError(
                f"{override.input_line}: a '+' adds a key that nothing reads; leave the '+' out, "
                "and see python train.py --cfg job for the keys there are"
            )
