"""`python reconstruct.py`: your own pictures through a trained autoencoder. No torch until there is one to read."""

import glob
import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from omegaconf import OmegaConf
from PIL import Image

from hourglass.cli import commands
from hourglass.config import validation as checks
from hourglass.core.errors import ConfigError, DataError
from hourglass.core.files import replacing
from hourglass.data import picture_files

YAML = commands.CONF / "reconstruct.yaml"
COMPARISONS = "comparisons"
Fit = Literal["resize", "crop", "tile"]


@dataclass(frozen=True)
class Options:
    """`conf/reconstruct.yaml` with what the command line says."""

    run: str
    images: list[str]
    out: str
    fit: Fit
    compare: bool
    overwrite: bool


def command(arguments: list[str]) -> None:
    """The task of `reconstruct.py`; raises DataError at its end where a picture could not be read."""
    if not arguments or set(arguments) & {"-h", "--help"}:
        print(YAML.read_text().rstrip())
        return
    options = understood(arguments)
    files, others = found(options.images)
    names = output_names(files)
    out = Path(options.out).expanduser()
    refuse_to_overwrite(out, names, options)
    if others:
        more = f" and {len(others) - 5} more" if len(others) > 5 else ""
        print(f"left out, no pictures by their names: {', '.join(path.name for path in others[:5])}{more}")
    run_through(options, names, out)


def run_through(options: Options, names: dict[Path, str], out: Path) -> None:
    """Read, reconstruct and write one picture after the other, and say how well each went."""
    import torch  # only now

    from hourglass.data import pictures
    from hourglass.runs import build
    from hourglass.runs.evaluation import fitting
    from hourglass.training.module import psnr

    autoencoder = build.load_run(Path(options.run).expanduser())
    channels, height, width = autoencoder.image_shape
    if channels not in (1, 3):
        raise ConfigError(f"{options.run} was trained on images of {channels} channels; pictures have 1 or 3")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    autoencoder = autoencoder.to(device)
    (out / COMPARISONS if options.compare else out).mkdir(parents=True, exist_ok=True)
    became = f"in tiles of {width}×{height}" if options.fit == "tile" else f"→ {width}×{height}"
    longest = max(len(file.name) for file in names)
    errors, failed = [], []
    for file, name in names.items():
        try:
            picture = picture_files.read(file, channels)
        except DataError as error:
            failed.append(str(error))
            continue
        target, result = fitting.reconstruct(autoencoder, torch.from_numpy(picture.pixels).to(device), options.fit)
        (image,) = pictures.to_pil(result[None])
        write(image.convert("L") if channels == 1 else image, out / name)
        if options.compare:
            difference = {f"error ±{pictures.ERROR_SCALE}": pictures.signed_colours((result - target)[None])}
            rows = {"input": target[None], "reconstruction": result[None]} | difference
            write(pictures.grid(rows), out / COMPARISONS / name)
        mse = (result - target).square().mean()  # of the network's own numbers, which the file cuts to [0, 1]
        errors.append(float(mse))
        size = "{2}×{1}".format(*picture.pixels.shape)
        notes = f"  ({', '.join(picture.notes)})" if picture.notes else ""
        print(f"{file.name:<{longest}}  {size} {became}  MSE {mse:.5f}  PSNR {psnr(mse):.2f} dB{notes}")
    if errors:
        print(f"{len(errors)} in {out}, mean MSE {math.fsum(errors) / len(errors):.5f}")
    if failed:
        raise DataError("\n".join(failed))


def refuse_to_overwrite(out: Path, names: dict[Path, str], options: Options) -> None:
    """Raise before anything is read: inputs are never overwritten, earlier outputs only where that was asked for."""
    written_to = {out.resolve(), (out / COMPARISONS).resolve()}
    if inside := next((file for file in names if file.resolve().parent in written_to), None):
        raise ConfigError(f"{inside} lies in out={out}: choose another folder for what is written")
    folders = [out, out / COMPARISONS] if options.compare else [out]
    there = [folder / name for name in names.values() for folder in folders if (folder / name).exists()]
    if there and not options.overwrite:
        raise DataError(f"{there[0]} exists ({len(there)} such files): choose another out=, or overwrite=true")


def write(image: Image.Image, path: Path) -> None:
    with replacing(path, shared=True) as partial:
        image.save(partial, "PNG")


def understood(arguments: list[str]) -> Options:
    """The options; file names may hold whatever file names may hold, so this is no grammar but KEY=VALUE."""
    values: dict[str, Any] = OmegaConf.to_container(OmegaConf.load(YAML))  # type: ignore[assignment]
    given: dict[str, list[str]] = {}
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if not equals or key not in values:
            raise ConfigError(
                f"{argument}: reconstruct.py has the options {', '.join(f'{name}=' for name in values)}; "
                "several pictures are images=a.png images=b.png, a folder, or a pattern in quotes: images='*.png'"
            )
        given.setdefault(key, []).append(value)
    images = given.pop("images", [])
    for key, said in given.items():
        if len(said) > 1:
            raise ConfigError(f"{key} is given {len(said)} times: give it once")
        is_switch = isinstance(values[key], bool) and said[0] in ("true", "false")
        values[key] = said[0] == "true" if is_switch else said[0]
    values["images"] = images or values["images"]
    for key, annotation in Options.__annotations__.items():
        if values[key] == "???":
            raise ConfigError(f"{key}= is missing; python reconstruct.py --help tells what it is")
        checks.check(values[key], annotation, key)
    return Options(**values)


def found(images: list[str]) -> tuple[list[Path], list[Path]]:
    """The picture files meant, each once, and what lies beside them and is none by its name.

    A file that is named itself counts whatever its name; of folders and patterns only names that Pillow knows.
    """
    Image.init()
    known = {suffix for suffix, kind in Image.registered_extensions().items() if kind in Image.OPEN}
    files: dict[Path, None] = {}
    others: list[Path] = []
    for given in images:
        path = Path(given).expanduser()
        if path.is_file():
            files[path] = None
            continue
        inside = path.iterdir() if path.is_dir() else map(Path, glob.glob(str(path), recursive=True))
        candidates = sorted(candidate for candidate in inside if candidate.is_file())
        if not candidates:
            raise DataError(f"images={given}: no file is there")
        for candidate in candidates:
            if candidate.suffix.lower() in known and not candidate.name.startswith("."):
                files[candidate] = None
            else:
                others.append(candidate)
    if not files:
        raise DataError(f"images={','.join(images)}: no picture by its name among {', '.join(p.name for p in others)}")
    return list(files), others


def output_names(files: list[Path]) -> dict[Path, str]:
    """a.jpg -> a.png; a.jpg and a.tif -> a.jpg.png and a.tif.png. Raises DataError where two still have one name."""
    stems = Counter(file.stem.casefold() for file in files)  # as file systems that ignore case see it
    names = {file: f"{file.stem if stems[file.stem.casefold()] == 1 else file.name}.png" for file in files}
    counts = Counter(name.casefold() for name in names.values())
    for name in names.values():
        if counts[name.casefold()] > 1:
            same = " and ".join(str(file) for file in names if names[file].casefold() == name.casefold())
            raise DataError(
                f"{same} would have the same name in out, {name}: reconstruct them into folders of their own"
            )
    return names
