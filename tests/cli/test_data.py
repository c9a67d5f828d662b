"""`hourglass data`: what it lists, and that it removes nothing else."""

from pathlib import Path

import pytest

from helpers.photo_folders import fill
from helpers.project import configure
from hourglass.cli import data
from hourglass.config.parts import Parts
from hourglass.core.errors import ConfigError


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, count in (("cats", 60), ("dogs", 80)):
        fill(tmp_path / name, count)
        Parts(configure("data=folder", f"data.root={tmp_path / name}", "data.size=8", "data.batch_size=4")).data.setup()
    (tmp_path / "logs" / "pictures" / "mine").mkdir()
    return tmp_path / "logs" / "pictures"


def test_sets_are_listed_with_what_they_were_made_from(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data.main([])
    text = capsys.readouterr().out
    assert str(cache.parents[1] / "cats") in text
    assert "60×3×8×8" in text
    assert "2 sets in logs/pictures, 0.0 MB" in text


def test_one_is_cleared_by_its_key_and_nothing_else(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = (entry.folder for entry in data.entries(cache))
    with pytest.raises(ConfigError, match="no terminal to ask on: say yes=true"):
        data.main(["clear", one.name[:6]])
    assert one.is_dir()
    data.main(["clear", one.name[:6], "yes=true"])
    assert "removed 1 set of decoded pictures" in capsys.readouterr().out
    assert not one.exists()
    assert other.is_dir()
    data.main(["clear", "all", "yes=true"])
    assert not other.exists()
    assert (cache / "mine").is_dir()
    data.main([])
    assert "no decoded pictures in logs/pictures" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["clear"], "either data list, or data clear KEY"),
        (["clear", "feed"], "no decoded pictures in logs/pictures have a key that begins with feed"),
        (["list", "root=x"], "root= is no option of data"),
        (["clear", "all", "yes=maybe"], "yes=maybe: true or false"),
    ],
)
def test_mistakes_are_named(cache: Path, arguments: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        data.main(arguments)
