"""Pairs of pictures: for denoisers of real noise, or whatever else was done to a picture."""

from typing import Annotated

from pydantic import Field

from hourglass.config.pictures import PictureFile, list_pictures, pair_up
from hourglass.core.types import Count
from hourglass.data.sources.folder import Broken, Fit, PictureFolder, Share

Side = Annotated[str, Field(min_length=1)]


class PicturePairs(PictureFolder):
    """Corrupted pictures in `root`/`input`, and clean ones of the same names, but for the ending, in `root`/`target`.

    They are split as in a `PictureFolder`: by folders `train`, `val` and `test` inside both, or by the content of the
    clean picture. A pair without its other half, or of two sizes, is treated as one that is broken.
    """

    def __init__(
        self,
        *,
        root: str | None,
        input: Side,
        target: Side,
        size: Count | tuple[Count, Count],
        colour: bool,
        fit: Fit,
        val_share: Share,
        test_share: Share,
        broken: Broken,
        cache: str | None,
        pictures: dict[str, str] | None,
    ) -> None:
        super().__init__(
            root=root, size=size, colour=colour, fit=fit, val_share=val_share, test_share=test_share, broken=broken,
            cache=cache, pictures=pictures,
        )  # fmt: skip
        self.sides = (target, input)

    def _groups(self) -> dict[str, list[PictureFile]]:
        pairs = pair_up(list_pictures(self.root, self.cache), self.sides)
        whole = {name: [file for file in pair if file is not None] for name, pair in pairs.items()}
        alone = [str(pair[0].path.relative_to(self.root)) for pair in whole.values() if len(pair) == 1]
        self._say(alone, dict.fromkeys(range(len(alone)), "has no picture of its name on the other side"))
        return {name: pair for name, pair in whole.items() if len(pair) == 2}
