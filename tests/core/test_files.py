"""Files are whole or not there, and say which format they are of."""

import json
from pathlib import Path

import pytest

from hourglass.core.errors import DataError, StorageError
from hourglass.core.files import expanded, replacing, unwritable, write_json
from hourglass.core.formats import FORMAT, check_format


@pytest.mark.parametrize("options", [{}, {"durable": True}])
def test_a_file_is_replaced_once_the_new_one_is_whole(tmp_path: Path, options: dict[str, bool]) -> None:
    path = tmp_path / "result.txt"
    path.write_text("old")
    with replacing(path, **options) as partial:
        partial.write_text("new")
        assert path.read_text() == "old"
        assert partial.parent == tmp_path  # of the same file system
        assert partial.name.startswith(".result.txt")
    assert path.read_text() == "new"
    with pytest.raises(KeyError), replacing(path, **options) as partial:  # noqa: PT012
        partial.write_text("half of")
        raise KeyError
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_two_that_write_the_same_file_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with replacing(path) as first, replacing(path) as second:
        assert first != second
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first"  # the last to be done


def test_json_is_for_people_too_and_holds_what_json_has(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    content = {"name": "Größe ±0.5", "values": [1, 2.5, None, True]}
    write_json(path, content)
    assert path.read_text(encoding="utf-8") == json.dumps(content, indent=2) + "\n"
    assert json.loads(path.read_text()) == content
    for number in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="not JSON compliant"):
            write_json(path, {"loss": number})
    assert json.loads(path.read_text()) == content
    assert list(tmp_path.iterdir()) == [path]
    path.write_bytes('{"name": "Größe"}'.encode())  # whatever the encoding of the machine
    assert json.loads(path.read_text()) == {"name": "Größe"}


def test_a_full_disk_is_told_with_its_space(tmp_path: Path) -> None:
    error = unwritable(tmp_path / "not" / "there" / "last.ckpt", OSError("No space left on device"))
    assert isinstance(error, StorageError)
    words = rf"MB are free for {tmp_path}/not/there/last\.ckpt, which cannot be written \(No space left on device\); "
    with pytest.raises(StorageError, match=rf"^[\d,]+\.\d {words}what was there before is whole: make space"):
        raise error


def test_the_format_of_this_version_is_read(tmp_path: Path) -> None:
    check_format({"format": FORMAT, "status": "completed"}, tmp_path / "summary.json")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"status": "completed"}, "has no format number, so hourglass 0.1 or something else wrote it: run it again"),
        ({"format": None}, "has no format number"),
        ({"format": 99}, f"has format 99, and this version of hourglass reads {FORMAT}: use the version that wrote it"),
        ({"format": "1"}, f"has format 1, and this version of hourglass reads {FORMAT}: use the version that wrote it"),
    ],
)  # fmt: skip
def test_another_format_is_refused_with_the_cure(content: dict, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"^{tmp_path}/summary.json {message}"):
        check_format(content, tmp_path / "summary.json")


def test_the_home_of_an_unknown_user_is_nowhere() -> None:
    assert expanded("~/x") == Path.home() / "x"
    assert expanded("~nobody-of-this-name/x") == Path("~nobody-of-this-name/x")
