"""The table of all encoder × decoder pairs, made by building each of them.

python tools/pair_table.py            print it
python tools/pair_table.py --write    put it into docs/operators/pairs.md, between its two marks
"""

from marked_page import ROOT, print_or_write

from hourglass.config.compose import compose_train, options
from hourglass.config.parts import Parts
from hourglass.core.errors import IncompatiblePair
from hourglass.nn import Autoencoder, NoLatent

PAGE = ROOT / "docs" / "operators" / "pairs.md"
BEGIN, END = "<!-- pairs: python tools/pair_table.py --write -->", "<!-- /pairs -->"


def works(encoder: Parts, decoder: Parts) -> bool:
    try:
        Autoencoder((1, 28, 28), encoder=encoder.encoder, latent=NoLatent, decoder=decoder.decoder, output="sigmoid")
    except IncompatiblePair:
        return False
    return True


def table() -> str:
    """A row a decoder, a column an encoder: ✓ works, · is refused, and the message says what to use instead."""
    encoders = {option: Parts(compose_train([f"encoder={option}"])) for option in options("encoder")}
    lines = [
        "| decoder ↓ encoder → | " + " | ".join(f"`{encoder}`" for encoder in encoders) + " |",
        "|---|" + ":-:|" * len(encoders),
    ]
    for option in options("decoder"):
        decoder = Parts(compose_train([f"decoder={option}"]))
        cells = ["✓" if works(encoder, decoder) else "·" for encoder in encoders.values()]
        lines.append(f"| `{option}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    print_or_write(__doc__, PAGE, BEGIN, END, table)
