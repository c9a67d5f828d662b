"""The table of all encoder × decoder pairs, made by building each of them.

python tools/pair_table.py            print it
python tools/pair_table.py --write    put it into docs/operators/pairs.md, between its two marks
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir

from hourglass.config.identity import register_resolvers
from hourglass.core.errors import IncompatiblePair
from hourglass.nn.autoencoder import Autoencoder
from hourglass.nn.latents import NoLatent
from hourglass.runs import build

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "operators" / "pairs.md"
BEGIN, END = "<!-- pairs: python tools/pair_table.py --write -->", "<!-- /pairs -->"


def options(group: str) -> list[str]:
    return sorted(path.stem for path in (ROOT / "conf" / group).glob("*.yaml"))


def part(group: str, option: str) -> Callable[..., Any]:
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        return build.part(compose("train", [f"{group}={option}"]), group)


def works(encoder: Callable[..., Any], decoder: Callable[..., Any]) -> bool:
    try:
        Autoencoder((1, 28, 28), encoder=encoder, latent=NoLatent, decoder=decoder, output="sigmoid")
    except IncompatiblePair:
        return False
    return True


def table() -> str:
    """A row a decoder, a column an encoder: ✓ works, · is refused, and the message says what to use instead."""
    register_resolvers()
    encoders = {option: part("encoder", option) for option in options("encoder")}
    lines = [
        "| decoder ↓ encoder → | " + " | ".join(f"`{encoder}`" for encoder in encoders) + " |",
        "|---|" + ":-:|" * len(encoders),
    ]
    for decoder in options("decoder"):
        up = part("decoder", decoder)
        cells = ["✓" if works(down, up) else "·" for down in encoders.values()]
        lines.append(f"| `{decoder}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"put it into {PAGE.relative_to(ROOT)}")
    if not parser.parse_args().write:
        print(table())
        return
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    _, after = rest.split(END)
    PAGE.write_text(f"{before}{BEGIN}\n{table()}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
