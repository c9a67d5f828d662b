"""A folder of pictures of one's own."""

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from hourglass.config.pictures import (
    SPLITS,
    PictureFile,
    checksums_of,
    list_pictures,
    own_split,
    split_by_content,
)
from hourglass.core.errors import ConfigError, DataError
from hourglass.core.files import expanded
from hourglass.core.progress import Progress
from hourglass.core.text import counted
from hourglass.core.types import Count, Shape
from hourglass.data import picture_files
from hourglass.data.cache import cached, folder_of, key_of
from hourglass.data.fitting import fitted
from hourglass.data.splits import Splits

log = logging.getLogger(__name__)
Fit = Literal["crop", "resize"]
Broken = Literal["leave_out", "refuse"]
Share = Annotated[float, Field(ge=0, lt=1)]
LISTED = 10
"""Broken pictures that a message names."""


class PictureFolder:
    """The pictures below `root`, of any size and kind, made `size` (a side, or height and width) in colour or grey.

    `fit`: see `hourglass.data.fitting`. In folders `train`, `val` and `test` they are split as they lie; a split
    without a folder gets its share of `train`, by a hash of each file's content: others that are added move none of
    them, and copies stay together. The folders inside are classes, where no picture lies beside them. What cannot be
    read is named and left out, or refused. `cache`: the folder for decoded pictures; None decodes them into memory,
    each time. `pictures`: the checksums of those that are meant.
    """

    def __init__(
        self,
        *,
        root: str | None,
        size: Count | tuple[Count, Count],
        colour: bool,
        fit: Fit,
        val_share: Share,
        test_share: Share,
        broken: Broken,
        cache: str | None,
        pictures: dict[str, str] | None,
    ) -> None:
        if val_share + test_share >= 1:
            raise ConfigError(f"data.val_share={val_share} and data.test_share={test_share} leave nothing to train on")
        self.fit, self.broken, self.pictures = fit, broken, pictures
        self.given_root = root
        self.val_share, self.test_share = val_share, test_share
        self.cache = folder_of(cache)
        height, width = (size, size) if isinstance(size, int) else size
        self.image_shape: Shape = (3 if colour else 1, height, width)

    @property
    def root(self) -> Path:
        if self.given_root is None:
            raise ConfigError("data.root is missing: name the folder with your pictures, as in data.root=~/photos")
        return expanded(self.given_root)

    def load(self) -> Splits:
        return self._load(self._groups(), SPLITS)

    def load_test(self) -> Splits:
        """Where there is a folder `test`, and none `train` beside it, that alone is read."""
        groups = self._groups()
        own = {own_split(name) for name in groups}
        return self._load(groups, SPLITS if "train" in own or "test" not in own else ("test",))

    def _groups(self) -> dict[str, list[PictureFile]]:
        """By name, the files that make one image: one; in pairs its target and its input."""
        return {file.name: [file] for file in list_pictures(self.root, self.cache)}

    def _load(self, groups: dict[str, list[PictureFile]], wanted: Sequence[str]) -> Splits:
        if not groups:
            raise DataError(f"{self.root} holds no picture by its name: data.root names the folder of your pictures")
        self._refuse_others(groups, wanted)
        if wanted == ("test",):
            groups = {name: group for name, group in groups.items() if own_split(name) == "test"}
        split = self._split({name: group[0].digest for name, group in groups.items()})
        names = sorted(groups, key=lambda name: (SPLITS.index(split[name]), groups[name][0].digest, name))
        n, of_each = len(names), len(groups[names[0]])

        def fill(out: np.ndarray) -> dict[int, str]:
            """All targets, then all inputs."""
            broken = self._fill(n, lambda i: self._decode(groups[names[i]], list(out[i::n])))
            return {side * n + i: reason for i, reason in broken.items() for side in range(of_each)}

        contents = [[split[name], *(file.digest for file in groups[name])] for name in names]
        key = key_of(self.image_shape, self.fit, contents)
        about = {"what": "pictures", "root": str(self.root.resolve()), "fit": self.fit}
        decoded = cached(self.cache, key, about, (of_each * n, *self.image_shape), fill)
        self._say(names, {i: reason for i, reason in decoded.broken.items() if i < n})
        names = [name for i, name in enumerate(names) if i not in decoded.broken]
        by_split = {one: [name for name in names if split[name] == one] for one in SPLITS}
        for one in wanted:
            if not by_split[one]:
                raise DataError(
                    f"none of {counted(len(names), 'picture')} in {self.root} is for {one}: use more of them, larger "
                    "shares (data.val_share, data.test_share), or folders train, val and test"
                )
        trained = {groups[name][0].digest for name in by_split["train"]}
        if both := [name for name in by_split["val"] + by_split["test"] if groups[name][0].digest in trained]:
            log.warning("%s to validate or test with are trained on, too: %s …", counted(len(both), "picture"), both[0])
        counts = [len(by_split[one]) for one in SPLITS]
        train, val, test, *inputs = decoded.images.split(counts * of_each)
        labels, classes = _labels(by_split)
        pairs = dict(zip(SPLITS, inputs, strict=True)) if inputs else {}
        return Splits(train, val, test, labels, classes, pairs, by_split, decoded.release)

    def _refuse_others(self, groups: Mapping[str, Sequence[PictureFile]], wanted: Sequence[str]) -> None:
        """Raise DataError where these are not the pictures that are meant."""
        there = checksums_of({name: [file.digest for file in group] for name, group in groups.items()})
        meant = there if self.pictures is None else self.pictures
        if wanted == ("test",):
            there, meant = ({"test": sums.get("test", "")} for sums in (there, meant))
        if there != meant:
            then, now = (",".join(sums.values()) for sums in (meant, there))
            raise DataError(
                f"the pictures in {self.root} have changed (checksum {then}, now {now}): put back those of then, or "
                "start another run"
            )

    def _split(self, digests: Mapping[str, str]) -> dict[str, str]:
        """Name -> split."""
        own = {name: own_split(name) for name in digests}
        folders = set(own.values())
        if "train" not in folders and folders != {"test"}:  # then `val` or `test` is a folder like any other
            return {name: split_by_content(digest, self.val_share, self.test_share) for name, digest in digests.items()}
        if beside := next((name for name, split in own.items() if split is None), None):
            raise DataError(f"{self.root / beside} lies beside the folder train: move it into train, val or test")
        shares = [
            0.0 if split in folders else share for split, share in (("val", self.val_share), ("test", self.test_share))
        ]
        return {
            name: split_by_content(digests[name], *shares) if split == "train" else str(split)
            for name, split in own.items()
        }

    def _fill(self, count: int, decode: Callable[[int], str | None]) -> dict[int, str]:
        """Decode so many pictures, in parallel; number -> the reason of those that `decode` could not."""
        progress, broken = Progress(log, f"decoding the pictures in {self.root}", count), {}
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            for i, reason in enumerate(threads.map(decode, range(count))):
                if reason is not None:
                    broken[i] = reason
                progress.advance()
        return broken

    def _decode(self, files: Sequence[PictureFile], out: Sequence[np.ndarray]) -> str | None:
        """Write pictures that belong together, each to its place; returns why that cannot be, where it cannot."""
        sizes = set()
        for file, place in zip(files, out, strict=True):
            try:
                pixels = torch.from_numpy(picture_files.read(file.path, self.image_shape[0]).pixels)
            except DataError as error:
                return str(error).removeprefix(f"{file.path} ")
            sizes.add(pixels.shape)
            place[:] = (
                fitted(pixels, self.image_shape[1], self.image_shape[2], self.fit).mul(255).round().byte().numpy()
            )
        return "is of another size than its input" if len(sizes) > 1 else None

    def _say(self, names: Sequence[str], broken: Mapping[int, str]) -> None:
        """Name what cannot be used, all in one message; raises DataError with it where that is refused."""
        if not broken:
            return
        by_reason: dict[str, list[str]] = {}
        for i, reason in sorted(broken.items(), key=lambda one: names[one[0]])[:LISTED]:
            by_reason.setdefault(reason, []).append(names[i])
        listed = "; ".join(f"{', '.join(of)} {reason}" for reason, of in by_reason.items())
        more = f"; and {len(broken) - LISTED} more" if len(broken) > LISTED else ""
        what = f"{counted(len(broken), 'picture')} in {self.root} cannot be used: {listed}{more}"
        if self.broken == "refuse":
            raise DataError(f"{what}. Mend or remove them, or leave them out with data.broken=leave_out")
        log.warning("%s. They are left out", what)


def _labels(names: dict[str, list[str]]) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """By the first folder below that of a split; none where a picture lies in no such folder, or all in one."""
    own = {split: [_class_of(name) for name in listed] for split, listed in names.items()}
    classes = {label for listed in own.values() for label in listed}
    if None in classes or len(classes) < 2:
        return {}, ()
    ordered = sorted(str(label) for label in classes)
    place = {label: i for i, label in enumerate(ordered)}
    return {split: torch.tensor([place[str(label)] for label in listed]) for split, listed in own.items()}, tuple(
        ordered
    )


def _class_of(name: str) -> str | None:
    parts = PurePosixPath(name).parts[1 if own_split(name) else 0 : -1]
    return parts[0] if parts else None
