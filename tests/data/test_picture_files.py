"""Picture files: every trap of reading them, against numbers that are known."""

import struct
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hourglass.config.pictures import SUFFIXES
from hourglass.core.errors import DataError
from hourglass.data import picture_files
from hourglass.data.sources import CelebA

GREY = np.array([[0, 1000, 20000], [40000, 60000, 65535]], np.uint16)
COLOUR = np.array(
    [[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [10, 20, 30]], [[200, 100, 50], [255, 255, 255]]], np.uint8
)


def values_of(path: Path, channels: int = 1) -> np.ndarray:
    return picture_files.read(path, channels).pixels


def tiff(path: Path, raw: bytes, width: int, height: int, bits: int, white_is_zero: bool = False) -> None:
    """A grey TIFF of one strip, as Pillow writes none."""
    entries = [
        (256, width), (257, height), (258, bits), (259, 1), (262, 0 if white_is_zero else 1),
        (273, 8 + 2 + 12 * 9 + 4), (277, 1), (278, height), (279, len(raw)),
    ]  # fmt: skip
    tags = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries)
    path.write_bytes(b"II*\0" + struct.pack("<IH", 8, len(entries)) + tags + struct.pack("<I", 0) + raw)


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.pgm", "a.jp2"])
def test_16_bit_grey_is_not_cut_to_white(tmp_path: Path, name: str) -> None:
    options = {"irreversible": False} if name == "a.jp2" else {}
    Image.fromarray(GREY).save(tmp_path / name, **options)
    np.testing.assert_allclose(values_of(tmp_path / name)[0], GREY / 65535, atol=1e-7)
    np.testing.assert_allclose(values_of(tmp_path / name, 3), np.stack([GREY / 65535] * 3), atol=1e-7)


def test_grey_tiffs_that_pillow_reads_too_dark_or_inverted(tmp_path: Path) -> None:
    tiff(tmp_path / "12bit.tif", bytes([0xFF, 0xF8, 0x00]), 2, 1, bits=12)  # 0xfff, 0x800
    np.testing.assert_allclose(values_of(tmp_path / "12bit.tif")[0], [[1, 0x800 / 0xFFF]], atol=1e-7)
    tiff(tmp_path / "inverted.tif", GREY.astype("<u2").tobytes(), 3, 2, bits=16, white_is_zero=True)
    np.testing.assert_allclose(values_of(tmp_path / "inverted.tif")[0], 1 - GREY / 65535, atol=1e-7)
    tiff(tmp_path / "inverted8.tif", bytes([0, 55, 255]), 3, 1, bits=8, white_is_zero=True)
    np.testing.assert_allclose(values_of(tmp_path / "inverted8.tif")[0], [[1, 200 / 255, 0]], atol=1e-7)


def test_floats_from_0_to_1_are_taken_and_others_refused(tmp_path: Path) -> None:
    values = np.array([[0, 0.25], [0.5, 1]], np.float32)
    Image.fromarray(values).save(tmp_path / "good.tif")
    np.testing.assert_array_equal(values_of(tmp_path / "good.tif")[0], values)
    for name, bad in {"255": values * 255, "negative": values - 0.1, "nan": values * np.nan}.items():
        Image.fromarray(bad).save(tmp_path / f"{name}.tif")
        with pytest.raises(DataError, match=f"{name}.tif holds floats from .* save it with 8 or 16 bits, or as floats"):
            values_of(tmp_path / f"{name}.tif")
    Image.fromarray((values * 255).astype(np.int32)).save(tmp_path / "int.tif")
    with pytest.raises(DataError, match=r"int\.tif holds 32-bit integers from 0 to 255"):
        values_of(tmp_path / "int.tif")


@pytest.mark.parametrize(("mode", "colour"), [("RGBA", (0, 100, 200, 51)), ("LA", (100, 51)), ("P", 0), ("I;16", 0)])
def test_transparent_parts_lie_on_white(tmp_path: Path, mode: str, colour) -> None:
    image = Image.new(mode, (2, 2), colour)
    options = {}
    if mode == "P":
        image.putpalette([0, 100, 200])
        options = {"transparency": bytes([51])}  # a fifth
    if mode == "I;16":
        image.putpixel((1, 0), 32768)
        options = {"transparency": 0}
    image.save(tmp_path / "a.png", **options)
    pixels, notes = picture_files.read(tmp_path / "a.png", 3)
    assert notes == ["transparent parts on white"]
    expected = {
        "RGBA": [0.8 + 0.2 * v / 255 for v in (0, 100, 200)],
        "LA": [0.8 + 0.2 * 100 / 255] * 3,
        "P": [0.8 + 0.2 * v / 255 for v in (0, 100, 200)],
        "I;16": [1, 1, 1],
    }
    np.testing.assert_allclose(pixels[:, 1, 1], expected[mode], atol=1 / 255)
    if mode == "I;16":
        assert pixels[0, 0, 1] == pytest.approx(32768 / 65535)


@pytest.mark.parametrize(
    ("orientation", "undone"),
    [(1, lambda a: a), (3, lambda a: a[::-1, ::-1]), (6, lambda a: np.rot90(a)), (8, lambda a: np.rot90(a, -1))],
)
@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_the_camera_s_orientation_is_applied(tmp_path: Path, name: str, orientation: int, undone) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.ascontiguousarray(undone(COLOUR))).save(tmp_path / name, exif=exif)
    np.testing.assert_allclose(values_of(tmp_path / name, 3), COLOUR.transpose(2, 0, 1) / 255, atol=1e-7)


@pytest.mark.parametrize(("mode", "name"), [("P", "a.png"), ("P", "a.gif"), ("CMYK", "a.tif"), ("CMYK", "a.jpg")])
def test_palettes_and_printing_colours(tmp_path: Path, mode: str, name: str) -> None:
    colours = {(255, 0, 0): (0, 255, 255, 0), (0, 255, 255): (255, 0, 0, 0), (0, 0, 0): (0, 0, 0, 255)}
    rgb = Image.new("RGB", (48, 16))
    image = Image.new("CMYK", (48, 16))
    for i, (seen, ink) in enumerate(colours.items()):
        rgb.paste(seen, (16 * i, 0, 16 * i + 16, 16))
        image.paste(ink, (16 * i, 0, 16 * i + 16, 16))
    (rgb.convert("P") if mode == "P" else image).save(tmp_path / name)
    for i, seen in enumerate(colours):
        tolerance = 4 / 255 if name == "a.jpg" else 1e-7
        np.testing.assert_allclose(
            values_of(tmp_path / name, 3)[:, 8, 16 * i + 8], np.array(seen) / 255, atol=tolerance
        )


def test_grey_for_one_channel_and_colour_for_three(tmp_path: Path) -> None:
    Image.fromarray(COLOUR).save(tmp_path / "colour.png")
    luma = COLOUR @ [0.299, 0.587, 0.114] / 255
    np.testing.assert_allclose(values_of(tmp_path / "colour.png")[0], luma, atol=1e-6)
    np.testing.assert_allclose(
        values_of(tmp_path / "colour.png")[0], np.asarray(Image.fromarray(COLOUR).convert("L")) / 255, atol=0.6 / 255
    )
    Image.new("1", (3, 2), 1).save(tmp_path / "bits.png")
    np.testing.assert_array_equal(values_of(tmp_path / "bits.png", 3), np.ones((3, 2, 3)))


def test_of_an_animation_the_first_frame_is_used_and_that_is_said(tmp_path: Path) -> None:
    frames = [Image.new("L", (4, 4), value) for value in (255, 0, 128)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    pixels, notes = picture_files.read(tmp_path / "a.gif", 1)
    assert notes == ["the first of its frames"]
    assert pixels.min() == 1


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "gif", "webp", "bmp"])
def test_a_file_cut_short_is_named(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"cut.{suffix}"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 40, 3)).astype(np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError, match=f"cut.{suffix} cannot be read"):
        picture_files.read(path, 3)


def test_what_is_no_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "page.png").write_text("<html>")
    with pytest.raises(DataError, match=r"page\.png is no picture of a kind that is read"):
        picture_files.read(tmp_path / "page.png", 1)


def png(width: int, height: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """A grey PNG of this size, as its header says, that holds four black pixels."""
    header = (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    every = (header, *chunks, (b"IDAT", zlib.compress(bytes(6))), (b"IEND", b""))
    parts = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in every
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (png(30_000, 30_000), "has more than 89 million pixels: make it smaller"),
        (png(9_500, 9_500), "has more than 89 million pixels: make it smaller"),
        (png(9_000, 9_000), "cannot be read"),
        (png(2, 2, (b"zTXt", b"a\0\0" + zlib.compress(bytes(200_000_000)))), "cannot be read: Decompressed"),
        (png(0, 2), "is no picture of a kind that is read"),
        (b"P5 9000 9000 255\n", "cannot be read"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n", "is no picture of a kind that"),
        (b"%PDF-1.7\n", "is no picture of a kind that is read"),
        (b"\xd7\xcd\xc6\x9a" + bytes(40), "is no picture of a kind that is read"),  # Windows metafile
        (b"", "is no picture of a kind that is read"),
    ],
)  # fmt: skip
def test_a_hostile_file_is_named_and_costs_little(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(DataError, match=rf"a\.png {reason}"):
        picture_files.read(tmp_path / "a.png", 3)


def test_frames_are_not_counted(tmp_path: Path) -> None:
    """Counting 300,000 of them takes seconds; an animated PNG claims 2,147,483,647."""
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    header = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + bytes(3) + b"\xff" * 3
    (tmp_path / "a.gif").write_bytes(header + frame * 300_000 + b"\x3b")
    (tmp_path / "a.png").write_bytes(png(2, 2, (b"acTL", struct.pack(">II", 2**31 - 1, 0))))
    for name in ("a.gif", "a.png"):
        start = time.monotonic()
        assert picture_files.read(tmp_path / name, 1).notes == ["the first of its frames"]
        assert time.monotonic() - start < 1


def test_names_of_the_kinds_that_are_opened() -> None:
    assert {".png", ".jpg", ".tif", ".webp", ".jp2", ".gif"} <= SUFFIXES
    assert not {".eps", ".ps", ".pdf", ".wmf", ".h5", ".fits", ".mpg"} & SUFFIXES


def test_celeba_s_pictures_are_read_with_the_same_care(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "celeba" / "img_align_celeba"
    folder.mkdir(parents=True)
    colours = [(200, 100, 50), (0, 0, 255)]
    for i, colour in enumerate(colours):
        Image.new("RGB", (178, 218), colour).save(folder / f"{i}.jpg", quality=95)

    class Faces(list):
        root, base_folder, filename = tmp_path, "celeba", ["0.jpg", "1.jpg"]

    monkeypatch.setattr("hourglass.data.sources.torchvision.datasets.CelebA", lambda *_, **__: Faces([0, 1]))
    train = CelebA(root=str(tmp_path), download=False, size=16).load().train
    assert train.shape == (2, 3, 16, 16)
    np.testing.assert_allclose(train.float().mean((2, 3)), colours, atol=3)
    (folder / "1.jpg").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n")
    with pytest.raises(DataError, match=r"1\.jpg is no picture of a kind that is read"):
        CelebA(root=str(tmp_path), download=False, size=16).load()
