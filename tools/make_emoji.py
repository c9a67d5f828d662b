"""Write the embedded emoji, `src/hourglass/data/assets/emoji32.webp` and `emoji32.txt`, from the font.

    pip install fonttools && python tools/make_emoji.py /usr/share/fonts/truetype/noto/NotoColorEmoji.ttf

One sheet without loss, 64 pictures of 32×32 a row in the order of their code points, which the text file names. Running
this again with the same font (Debian's fonts-noto-color-emoji 2.042) gives the same pictures.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from hourglass.data.sources.emoji import COLUMNS, EMBEDDED, NAMES, SHEET, read_bitmaps, resized


def main() -> None:
    bitmaps = read_bitmaps(Path(sys.argv[1]))
    rows = -(-len(bitmaps) // COLUMNS)
    sheet = np.full((rows * EMBEDDED, COLUMNS * EMBEDDED, 3), 255, np.uint8)
    for i, bitmap in enumerate(bitmaps.values()):
        top, left = (EMBEDDED * place for place in divmod(i, COLUMNS))
        sheet[top : top + EMBEDDED, left : left + EMBEDDED] = resized(bitmap, EMBEDDED).transpose(1, 2, 0)
    Image.fromarray(sheet).save(SHEET, lossless=True, quality=100, method=6)
    NAMES.write_text("\n".join(bitmaps) + "\n", encoding="utf-8")
    print(f"{SHEET}: {len(bitmaps)} emoji, {SHEET.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
