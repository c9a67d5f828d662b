"""The pictures that `reconstruct` is given: which files they are, and what their reconstructions are called."""

import glob
from collections import Counter
from pathlib import Path

from hourglass.config.pictures import SUFFIXES
from hourglass.core.errors import DataError
from hourglass.core.files import expanded


def picture_files(images: list[str]) -> tuple[list[Path], list[Path]]:
    """The picture files meant, each once, and what lies beside them and is none by its name.

    A file that is named itself counts whatever its name; of folders and patterns only names of pictures.
    """
    files: dict[Path, None] = {}
    others: list[Path] = []
    for given in images:
        path = expanded(given)
        if path.is_file():
            files[path] = None
            continue
        inside = path.iterdir() if path.is_dir() else map(Path, glob.glob(str(path), recursive=True))
        candidates = sorted(candidate for candidate in inside if candidate.is_file())
        if not candidates:
            raise DataError(f"images={given}: no file is there")
        for candidate in candidates:
            if candidate.suffix.lower() in SUFFIXES and not candidate.name.startswith("."):
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
