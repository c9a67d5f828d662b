"""A trained run as a file: what it computes, what its card says, and what is refused and not kept."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import hourglass
from helpers.images import smooth_images
from helpers.project import ROOT, run_command
from helpers.untrained_runs import untrained_run
from hourglass.cli import export
from hourglass.core.errors import ConfigError, DataError
from hourglass.nn.export import formats

RUN = ROOT / "tests" / "fixtures" / "format1" / "run"
"""maxpool → transpose, 1×16×16, two stages"""
ALONE = """
import json, sys
sys.path += json.loads(sys.argv[1])  # without .pth files, one of which leads to hourglass
import numpy, torch
try:
    import hourglass
except ModuleNotFoundError:
    pass
else:
    raise SystemExit("hourglass can be imported")
given = [torch.from_numpy(array) for array in numpy.load(sys.argv[2]).values()]
if sys.argv[3].endswith(".pt2"):
    made = torch.export.load(sys.argv[3]).module()(*given)
    made = made if isinstance(made, tuple) else (made,)
else:
    import onnxruntime
    session = onnxruntime.InferenceSession(sys.argv[3], providers=["CPUExecutionProvider"])
    made = session.run(None, {one.name: tensor.numpy() for one, tensor in zip(session.get_inputs(), given)})
numpy.savez(sys.argv[4], *[numpy.asarray(one) for one in made])
"""


def images(n: int, shape: tuple[int, ...]) -> torch.Tensor:
    return smooth_images(n, shape).float() / 255  # type: ignore[arg-type]


def run_alone(file: Path, given: list[torch.Tensor], tmp_path: Path) -> list[torch.Tensor]:
    """The outputs of an exported file in a process that has torch and onnxruntime, and nothing of ours."""
    np.savez(tmp_path / "given.npz", *[one.numpy() for one in given])
    packages = [path for path in sys.path if path.endswith("-packages") and not Path(path, "hourglass").exists()]
    arguments = [json.dumps(packages), str(tmp_path / "given.npz"), str(file), str(tmp_path / "made.npz")]
    done = subprocess.run([sys.executable, "-I", "-S", "-c", ALONE, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "made.npz") as made:
        return [torch.from_numpy(array) for array in made.values()]


@pytest.mark.slow
@pytest.mark.parametrize("form", ["pt2", "onnx"])
@torch.no_grad()
def test_a_file_runs_where_nobody_has_hourglass(form: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    export.main([f"run={RUN}", f"format={form}", f"out={tmp_path}/model.{form}"])
    screen = capfd.readouterr()
    assert screen.err == ""
    assert len(screen.out.splitlines()) == 6
    assert "height and width any multiple of 4" in screen.out
    model, own = hourglass.load_run(RUN), images(3, (1, 16, 16))
    (made,) = run_alone(tmp_path / f"model.{form}", [own], tmp_path)
    torch.testing.assert_close(made, model(own), atol=1e-5, rtol=0)
    (larger,) = run_alone(tmp_path / f"model.{form}", [images(1, (1, 40, 20))], tmp_path)
    assert larger.shape == (1, 1, 40, 20)
    content = (tmp_path / f"model.{form}").read_bytes()
    assert str(ROOT).encode() not in content
    assert b"site-packages" not in content


@pytest.mark.slow
@pytest.mark.parametrize("form", ["pt2", "onnx"])
@torch.no_grad()
def test_positions_leave_with_the_code_and_come_back(form: str, tmp_path: Path) -> None:
    shape = "data.image_shape=[3,12,10]"
    run = untrained_run(tmp_path / "run", "data=synthetic", shape, "channels=[4,6]", "decoder=max_unpool")
    model, given = hourglass.load_run(run), images(5, (3, 12, 10))
    for part in ("encoder", "decoder"):
        export.main([f"run={run}", f"format={form}", f"part={part}", f"out={tmp_path}/{part}.{form}"])
    code, *indices = run_alone(tmp_path / f"encoder.{form}", [given], tmp_path)
    encoded = model.encode(given)
    torch.testing.assert_close(code, encoded.code, atol=1e-5, rtol=0)
    assert [index.dtype for index in indices] == [torch.int64] * 2
    assert all(torch.equal(index, expected) for index, expected in zip(indices, encoded.indices, strict=True))
    (made,) = run_alone(tmp_path / f"decoder.{form}", [code, *indices], tmp_path)
    torch.testing.assert_close(made, model(given), atol=1e-5, rtol=0)
    card = json.loads((tmp_path / "encoder.json").read_text())
    assert [port["name"] for port in card["outputs"]] == ["code", "index_0", "index_1"]
    assert card["size"] == {
        "dynamic": False,
        "why": "it has a dense layer or bottleneck, or its factor does not divide 12×10",
    }
    assert "flat position" in (tmp_path / "decoder.md").read_text()


@pytest.mark.slow
@torch.no_grad()
def test_a_dense_code_is_exported_at_its_narrowest(tmp_path: Path) -> None:
    run = untrained_run(tmp_path / "run", "data=synthetic", "data.image_shape=[1,8,8]", "channels=[4]", "model=vae")
    model, given = hourglass.load_run(run), images(4, (1, 8, 8))
    for part in ("encoder", "decoder"):
        export.main([f"run={run}", "format=pt2", f"part={part}", f"out={tmp_path}/{part}.pt2"])
    code = formats.read_pt2(tmp_path / "encoder.pt2")(given)[0]  # a sum, whose order is the processor's choice
    torch.testing.assert_close(code, model.embed(given), rtol=0, atol=1e-6)
    torch.testing.assert_close(formats.read_pt2(tmp_path / "decoder.pt2")(code)[0], model(given), rtol=0, atol=1e-6)


def test_weights_and_configuration_leave_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from safetensors import safe_open

    export.main([f"run={RUN}", "format=safetensors", "part=encoder", f"out={tmp_path}/encoder.safetensors"])
    assert "largest difference 0.0e+00" in capsys.readouterr().out
    state = hourglass.load_run(RUN).state_dict()
    with safe_open(tmp_path / "encoder.safetensors", "pt") as file:
        assert set(file.keys()) == {name for name in state if name.startswith("encoder.")}
        assert all(torch.equal(file.get_tensor(name), state[name]) for name in state if name.startswith("encoder."))
        told = json.loads(file.metadata()["hourglass"])
    assert told["configuration"]["decoder"]["up"]["_target_"] == "hourglass.nn.Transpose"
    assert told["channels"] == [2, 4]
    assert "root" not in told["configuration"]["data"]


def test_the_card_tells_what_one_must_know(tmp_path: Path) -> None:
    export.main([f"run={RUN}", "format=safetensors", f"out={tmp_path}/model.safetensors"])
    card = json.loads((tmp_path / "model.json").read_text())
    summary = json.loads((RUN / "summary.json").read_text())
    assert card["inputs"] == [
        {"name": "images", "shape": ["batch", 1, 16, 16], "dtype": "float32", "meaning": "pixels in [0, 1]"}
    ]
    assert card["preprocessing"]["channels"] == "grey"
    assert card["data"]["licence"] == "drawn by hourglass, free of rights"
    assert card["metrics"]["test/mse"] == summary["metrics"]["test/mse"]
    assert card["check"]["largest_difference"] == 0
    text = (tmp_path / "model.md").read_text()
    for word in (
        "# model.safetensors",
        "grey, float32 in [0, 1]",
        "test/mse 0.1073",
        "torch 2.",
        "corruption.std: 0.3",
    ):
        assert word in text


def test_what_computes_something_else_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = formats.read_safetensors
    monkeypatch.setattr(
        formats, "read_safetensors", lambda part, path: lambda *given: [read(part, path)(*given)[0] + 2e-4]
    )
    with pytest.raises(DataError, match=r"differ by up to 2\.0e-04, more than 0\.0001, so it was not kept"):
        export.main([f"run={RUN}", "format=safetensors", f"out={tmp_path}/model.safetensors"])
    assert list(tmp_path.iterdir()) == []


def test_a_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module, form in (("safetensors.torch", "safetensors"), ("onnxscript", "onnx")):
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(ConfigError, match=r"pip install 'hourglass\[export\]'"):
            export.main([f"run={RUN}", f"format={form}", f"out={tmp_path}/model.{form}"])
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    arguments = [f"run={RUN}", "format=safetensors", f"out={tmp_path}/model.safetensors"]
    (tmp_path / "model.md").write_text("mine", encoding="utf-8")
    with pytest.raises(DataError, match=r"model\.md exists: choose another out=, or overwrite=true"):
        export.main(arguments)
    assert (tmp_path / "model.md").read_text() == "mine"
    export.main([*arguments, "overwrite=true"])
    assert (tmp_path / "model.md").read_text().startswith("# model.safetensors")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run=r"], "format= is missing"),
        (["run=r", "format=torchscript"], "format=torchscript: input should be 'safetensors', 'pt2' or 'onnx'"),
        (["run=r", "format=onnx", "part=code"], "part=code: input should be"),
        (["run=r", "format=onnx", "prat=encoder"], r"prat=encoder: export has the options .*\(did you mean part=\?\)"),
        (["run=r", "format=onnx", "out=a.pt"], r"out=a\.pt: a file of format=onnx ends in \.onnx"),
        (["run=r", "format=onnx", "format=pt2"], "format is given 2 times"),
    ],
)
def test_careless_command_lines_are_refused(arguments: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        export.main(arguments)


def test_mistakes_are_answered_before_torch_is_imported() -> None:
    done = run_command("-X", "importtime", "export.py", "run=r", "format=onx")
    assert done.returncode == 1
    assert "format=onx: input should be" in done.stderr
    assert "torch" not in done.stderr
