"""Which kinds of picture files are opened: an allow-list, whatever a file is called."""

from PIL import Image

FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "GIF", "BMP", "PPM", "JPEG2000", "AVIF")
"""As Pillow calls them. It knows 30 more; one of them, PostScript, is a program that it would run."""


def suffixes() -> set[str]:
    """What the names of such files end in, in lower case."""
    Image.init()
    return {suffix for suffix, kind in Image.registered_extensions().items() if kind in FORMATS}
