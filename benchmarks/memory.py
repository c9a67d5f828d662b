"""Memory that setting up the images takes, in times their bytes.

    python benchmarks/memory.py [data=fashion_mnist data.root=FOLDER …]

Without arguments `data=synthetic` of 60,000 images of 32×32. Twice, in a process each: decoded, and opened again.
"""

import math
import resource
import subprocess
import sys
from pathlib import Path

from hourglass.config.compose import compose_train
from hourglass.config.parts import Parts

SYNTHETIC = ["data=synthetic", "data.source.train=60000"]
CHILD = "--child"


def peak() -> float:
    """Most bytes that this process has had resident."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0


def resident() -> float:
    """Bytes that it has resident."""
    return int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1]) * float(resource.getpagesize())


def measure(overrides: list[str]) -> str:
    data = Parts(compose_train(overrides)).data
    before = resident()
    data.setup()
    set_up, after = peak() - before, resident() - before
    size = sum(len(images) for images in data.images.values()) * math.prod(data.image_shape)
    _ = data.mean, data.fingerprint()
    numbers = [set_up / size, after / size, (peak() - before) / size]
    return f"{size / 1e6:,.0f} MB | " + " | ".join(f"{number:.1f}" for number in numbers)


def main(overrides: list[str]) -> str:
    lines = ["| images | bytes | at most | after set-up | at most, with mean and digest |", "|---|--:|--:|--:|--:|"]
    for what in ("decoded", "opened again"):
        child = [sys.executable, __file__, CHILD, *overrides]
        done = subprocess.run(child, capture_output=True, text=True, check=True)
        lines.append(f"| {overrides[0]}, {what} | {done.stdout.strip()} |")
    return "\n".join(lines)


if __name__ == "__main__":
    given = sys.argv[1:]
    print(measure(given[1:]) if given[:1] == [CHILD] else main(given or SYNTHETIC))
