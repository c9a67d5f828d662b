"""Which kinds of picture files are opened: an allow-list, whatever a file is called."""

FORMATS = {
    "PNG": (".png", ".apng"),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
    "GIF": (".gif",),
    "BMP": (".bmp",),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm", ".pfm"),
    "JPEG2000": (".jp2", ".j2k", ".jpc", ".jpf", ".jpx", ".j2c"),
    "AVIF": (".avif", ".avifs"),
}
"""As Pillow calls them, and what the names of such files end in. It knows 30 more; one, PostScript, is a program."""
SUFFIXES = frozenset(suffix for suffixes in FORMATS.values() for suffix in suffixes)
