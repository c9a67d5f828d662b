"""What a folder of somebody else may hold, and what is made of it: nothing is run, nothing grows, nothing steers."""

import json
import os
import zipfile
from pathlib import Path

import pytest
import torch
import yaml

import hourglass
from helpers.project import configure
from helpers.untrained_runs import untrained_run
from hourglass.core.errors import ConfigError, DataError, Torn
from hourglass.core.files import write_json
from hourglass.runs.read import read_configuration, read_summary, read_sweep
from hourglass.runs.status import status_of, to_do
from hourglass.sweeps.record import Asked, record
from hourglass.training.checkpoints import read_checkpoint

BOMB = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 9)
)


def with_configuration(folder: Path, text: str) -> Path:
    (folder / ".hydra").mkdir()
    (folder / ".hydra" / "config.yaml").write_text(text, encoding="utf-8")
    return folder


def test_aliases_that_would_make_a_billion_nodes_are_not_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="aliases, of which a few lines can make billions of nodes"):
        read_configuration(with_configuration(tmp_path, configure().as_yaml + BOMB))


@pytest.mark.parametrize(
    "more",
    [
        "# a remark\n\nx: 1\n", "x: 1\nx: [2]\n", 'x: "goes on\ny: in the first column"\n', "x:\n- 1\ny: |\n  z: 1\n",
        "'x y': 1\nz: {a: 1,\n  b: 2}\n", "x: 'a\n\n  b'\n",
    ],
)  # fmt: skip
def test_a_configuration_in_parts_is_the_whole(tmp_path: Path, more: str) -> None:
    """What runs share is parsed once, and is what YAML makes of the whole, whatever was read before it."""
    text = more + configure().as_yaml
    expected = yaml.safe_load(text)
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        written = read_configuration(with_configuration(tmp_path / folder, text)).written
        assert written == expected | {"data": written["data"]}
        assert list(written) == list(expected)
        written["data"]["root"] = "changed"  # and is nobody else's


@pytest.mark.parametrize("more", ["x: 'a\n", "- x\n", "x: 1\n---\ny: 2\n", "x: &a 1\n", "x: [\ny: 1\n"])
def test_a_part_that_is_broken_breaks_the_whole(tmp_path: Path, more: str) -> None:
    text = configure().as_yaml + more + ("y: *a\n" if "&" in more else "")
    with pytest.raises(Torn, match="was damaged after it was written"):
        read_configuration(with_configuration(tmp_path, text))


@pytest.mark.parametrize("key", ["_args_", "_recursive_", "_convert_", "_x_"])
def test_no_key_of_hydra_s_own_but_two_is_taken(tmp_path: Path, key: str) -> None:
    text = configure().with_values({"corruption": {"_target_": "hourglass.data.Gaussian", key: ["-c"]}}).as_yaml
    with pytest.raises(ConfigError, match=f"corruption.{key}: only _target_ and _partial_ may stand there"):
        read_configuration(with_configuration(tmp_path, text))


def test_a_job_lies_right_inside_its_sweep(tmp_path: Path) -> None:
    jobs = {name: {"overrides": []} for name in ("../victim", "/etc", "0123abcd/..", "0123abcd", "0123ABCD", "x")}
    write_json(tmp_path / "sweep.json", {"format": 1, "name": "s", "invocations": [], "jobs": jobs})
    assert list(read_sweep(tmp_path)["jobs"]) == ["0123abcd"]


def test_what_is_read_cannot_steer_a_terminal(tmp_path: Path) -> None:
    error = "\x1b]0;title\x07\x1b[2J first\n\tsecond \x9b31m"
    write_json(tmp_path / "summary.json", {"format": 1, "status": "failed", "error": error, "a": {"\x1b": [error]}})
    summary = read_summary(tmp_path) or {}
    assert summary["error"] == "\\x1b]0;title\\x07\\x1b[2J first\n\tsecond \\x9b31m"
    assert summary["a"] == {"\\x1b": [summary["error"]]}


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": 1}', "\udcff", "[" * 100_000])
def test_a_torn_summary_is_a_status_and_the_job_is_trained_again(tmp_path: Path, content: str) -> None:
    (tmp_path / "summary.json").write_text(content, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(Torn, match="is not whole"):
        read_summary(tmp_path)
    assert status_of(tmp_path) == "torn"
    assert to_do("torn", None)


def test_a_torn_sweep_json_is_made_again_from_its_jobs(tmp_path: Path) -> None:
    for job, seed in {"00000001": 1, "00000002": 2, "not-a-job": 3}.items():
        (tmp_path / job / ".hydra").mkdir(parents=True)
        (tmp_path / job / ".hydra" / "overrides.yaml").write_text(f"- seed={seed}\n")
    (tmp_path / "sweep.json").write_text('{"format": 1, "jobs": {')
    assert record(tmp_path, Asked(["python", "train.py"], ["seed=1,2"], {"00000003": ["seed=4"]}, {})) == 0
    jobs = read_sweep(tmp_path)["jobs"]
    assert {job: entry["overrides"] for job, entry in jobs.items()} == {
        "00000001": ["seed=1"],
        "00000002": ["seed=2"],
        "00000003": ["seed=4"],
    }


def repacked(path: Path, compression: int, grow: bool = False) -> None:
    """The same archive with its members packed otherwise, one of them much larger if `grow`."""
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in members.items():
            file.writestr(name, bytes(1 << 24) if grow and name.endswith("data/0") else content)


def test_a_checkpoint_that_unpacks_to_more_than_it_holds_is_refused(tmp_path: Path) -> None:
    path = untrained_run(tmp_path / "run") / "checkpoints" / "best.ckpt"
    repacked(path, zipfile.ZIP_STORED)
    assert hourglass.load_run(tmp_path / "run").image_shape == (1, 28, 28)
    repacked(path, zipfile.ZIP_DEFLATED, grow=True)
    with pytest.raises(DataError, match=r"best.ckpt cannot be read \(it unpacks to more than it holds\)"):
        hourglass.load_run(tmp_path / "run")


def test_a_flipped_bit_a_pipe_and_foreign_weights_are_named(tmp_path: Path) -> None:
    folder = untrained_run(tmp_path / "run")
    path = folder / "checkpoints" / "best.ckpt"
    whole = path.read_bytes()
    with zipfile.ZipFile(path) as file:
        place = whole.find(file.read(max(file.infolist(), key=lambda one: one.file_size).filename)) + 100
    path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    with pytest.raises(DataError, match=r"best.ckpt cannot be read \(the sum of .* does not match\)"):
        hourglass.load_run(folder)
    path.write_bytes(whole[:5000])
    with pytest.raises(DataError, match=r"best\.ckpt cannot be read"):
        hourglass.load_run(folder)
    path.write_bytes(whole)
    saved = read_checkpoint(path)
    name = next(key for key in saved["state_dict"] if key.endswith("weight"))
    torch.save(saved | {"state_dict": saved["state_dict"] | {name: torch.full((16, 1, 3, 3), torch.nan)}}, path)
    with pytest.raises(DataError, match="weights that are no finite numbers"):
        hourglass.load_run(folder)
    torch.save(saved | {"state_dict": saved["state_dict"] | {name: torch.zeros(3)}}, path)
    with pytest.raises(DataError, match="the weights of another network"):
        hourglass.load_run(folder)
    for channels in (10**7, 10**10):
        swollen = saved["config"] | {"encoder": saved["config"]["encoder"] | {"channels": [channels, channels]}}
        torch.save(saved | {"config": swollen}, path)
        with pytest.raises(DataError, match=r"the weights of another network|cannot be built"):
            hourglass.load_run(folder)
    torch.save(saved | {"state_dict": saved["state_dict"] | {name: torch.zeros(1).expand(10**6, 10**6)}}, path)
    with pytest.raises(DataError, match="holds more, or other things, than is stored"):
        hourglass.load_run(folder)
    torch.save({"state_dict": {}}, path)
    with pytest.raises(DataError, match="is no checkpoint of a run"):
        hourglass.load_run(folder)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(DataError, match="is no regular file"):
        hourglass.load_run(folder)


def test_only_what_is_needed_is_made(tmp_path: Path) -> None:
    """Weights load whatever a foreign configuration says of loggers and callbacks: those are never looked at."""
    folder = untrained_run(tmp_path / "run")
    foreign = {
        "callbacks": {"evil": {"_target_": "shutil.rmtree", "path": "/"}},
        "logger": {"x": {"_target_": "os.system"}},
    }
    text = configure("model=conv").with_values(foreign).as_yaml
    (folder / ".hydra" / "config.yaml").write_text(text)
    assert hourglass.load_run(folder).image_shape == (1, 28, 28)
    assert json.loads((folder / "summary.json").read_text())["status"] == "completed"
