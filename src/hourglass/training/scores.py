"""The numbers of one split: its metrics, and means over its images of what the objective is made of."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn
from torchmetrics import MeanMetric

from hourglass.core.errors import ConfigError
from hourglass.core.measures import MEASURES, OBJECTIVE, OF_LATENTS, Measure, unnumbered
from hourglass.core.types import Shape
from hourglass.metrics.codebooks import CodebookUse


class Scores(nn.Module):
    """`makers`: name -> what makes a metric of the shape of the images. `means`: names of the other numbers.

    `codebooks`: of a latent that has some, whose use is that by the whole split and no mean over batches.
    """

    def __init__(
        self,
        makers: Mapping[str, Callable[[Shape], Any]],
        image_shape: Shape,
        means: Sequence[str],
        codebooks: CodebookUse | None = None,
    ) -> None:
        super().__init__()
        self.codebooks = codebooks
        self.names, self.mean_names = list(makers), list(means)
        self.metrics: Any = nn.ModuleList(make(image_shape) for make in makers.values())
        self.means: Any = nn.ModuleList(MeanMetric("warn" if name in OBJECTIVE else "ignore") for name in means)

    @property
    def measures(self) -> dict[str, Measure]:
        return {name: metric.measure for name, metric in zip(self.names, self.metrics, strict=True)}

    def update(self, pixels: Tensor, target: Tensor, input: Tensor) -> None:
        for metric in self.metrics:
            metric.update(pixels, target, input)

    def update_means(self, values: Mapping[str, Tensor], n: int) -> None:
        """Scalars that are means over n images; what a latent or a loss logs as NaN is left out of its mean.

        Raises ConfigError for other names than were announced.
        """
        if set(values) != set(self.mean_names):
            other = ", ".join(sorted(set(values) ^ set(self.mean_names)))
            raise ConfigError(f"{other} is logged in some batches and not in others: log the same names in every call")
        for name, mean in zip(self.mean_names, self.means, strict=True):
            mean.update(values[name], weight=n)

    def update_codes(self, codes: Tensor | None) -> None:
        if self.codebooks is not None and codes is not None:
            self.codebooks.update(codes)

    def take(self) -> dict[str, Tensor]:
        """Everything by its name, without what has nothing to say; then it starts anew."""
        values = {}
        for name, metric in zip(self.mean_names + self.names, [*self.means, *self.metrics], strict=True):
            values[name] = metric.compute()
            metric.reset()
        if self.codebooks is not None:
            values |= self.codebooks.compute()
            self.codebooks.reset()
        return {name: value for name, value in values.items() if value is not None}


def codebooks_of(latent: Any) -> CodebookUse | None:
    """Counts how the codebooks of a latent are used; None where it has none."""
    return CodebookUse(latent.quantizers, latent.codebook_size) if hasattr(latent, "decode_codes") else None


def check_makers(metrics: Mapping[str, Any]) -> None:
    """Raise ConfigError for a metric that has no `measure`, or the name of another number."""
    for name, metric in metrics.items():
        kind = getattr(metric, "func", metric)
        if not isinstance(getattr(kind, "measure", None), Measure):
            raise ConfigError(f"metrics.{name}: {kind.__name__} has no `measure`, a hourglass.metrics.Measure")
        if kind.measure != MEASURES.get(name, kind.measure) or name in OBJECTIVE:
            raise ConfigError(f"metrics.{name} has the name of a number of hourglass: call it otherwise")


def refuse_taken(logged: Mapping[str, Sequence[str]], metrics: Sequence[str]) -> None:
    """Raise ConfigError where a part logs what is the name of a number of ours, of a metric, or of another part.

    `logged`: part -> the names it logs.
    """
    taken = dict.fromkeys([*OBJECTIVE, *metrics], "a metric")
    for part, names in logged.items():
        for name in names:
            ours = unnumbered(name) in MEASURES and not (name in OF_LATENTS and part == "latent")
            if not name.isidentifier() or ours or name in taken:
                of = "a number of hourglass" if ours else taken.get(name, "nothing that can be logged")
                raise ConfigError(f"the {part} logs {name}, which is the name of {of}: call it otherwise")
        taken |= dict.fromkeys(names, f"what the {part} logs")
