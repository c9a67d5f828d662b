"""What a package needs, as installed here."""

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def needed(requirement: Requirement, seen: set[tuple[str, str]]) -> Iterator[str]:
    """The name of a package and of all that it needs here, as far as that is installed."""
    name = canonicalize_name(requirement.name)
    yield name
    for extra in ["", *requirement.extras]:
        if (name, extra) not in seen:
            seen.add((name, extra))
            try:
                inner = map(Requirement, requires(name) or [])
            except PackageNotFoundError:  # what the notebooks need, for one
                return
            for one in inner:
                if one.marker is None or one.marker.evaluate({"extra": extra}):
                    yield from needed(one, seen)
