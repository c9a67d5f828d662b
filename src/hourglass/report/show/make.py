"""`show`: the story, and its two pictures."""

from hourglass.core.errors import ConfigError
from hourglass.core.text import as_typed
from hourglass.report.show import page, slide
from hourglass.report.show.now import train_now
from hourglass.report.show.options import HTML, PNG, Options
from hourglass.report.show.then import read_runs


def make(options: Options) -> None:
    """Write `show.png` and `show.html`; raises ConfigError where the picture itself would be replaced."""
    paths = options.folder / PNG, options.folder / HTML
    if options.file is not None and options.file.resolve() in [path.resolve() for path in paths]:
        raise ConfigError(f"image={options.image} would be replaced by the picture that is drawn: choose another out=")
    story = train_now(options) if options.runs is None else read_runs(options)
    options.folder.mkdir(parents=True, exist_ok=True)
    slide.draw(story, paths[0])
    page.write(story, paths[1])
    slider = ", which has a slider over training" if len(story.times) > 1 else ""
    print(f"written to {as_typed(paths[0])} and {as_typed(paths[1])}{slider}")
