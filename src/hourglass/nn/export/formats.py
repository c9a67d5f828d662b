"""Files of a part, written and read again: safetensors, pt2 (torch.export) and ONNX."""

import copy
import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from hourglass.core.errors import ConfigError
from hourglass.core.text import first_line
from hourglass.nn.export.parts import PREFIXES, Part, Port
from hourglass.nn.export.trace import Traced, quiet

Format = Literal["safetensors", "pt2", "onnx"]
ENDINGS: dict[Format, str] = {"safetensors": ".safetensors", "pt2": ".pt2", "onnx": ".onnx"}
LARGEST_ONNX = 2_000_000_000
"""Bytes of weights: protobuf has no larger messages."""
Function = Callable[..., Sequence[Tensor]]
"""Inputs of a part -> its outputs, as the file has them."""


def needs_extra(error: ModuleNotFoundError) -> ConfigError:
    return ConfigError(f"this needs {error.name}: pip install 'hourglass[export]'")


def write_safetensors(part: Part, path: Path, metadata: Mapping[str, str]) -> None:
    """The weights of a part, under the names that the autoencoder's `state_dict` has for them."""
    try:
        from safetensors.torch import save_file
    except ModuleNotFoundError as error:
        raise needs_extra(error) from None
    save_file(weights_of(part), path, metadata={"format": "pt"} | dict(metadata))


def read_safetensors(part: Part, path: Path) -> Function:
    """The part with the weights of the file in place of its own."""
    from safetensors.torch import load_file

    fresh = copy.deepcopy(part)
    with torch.no_grad():
        for tensor in weights_of(fresh, copied=False).values():
            tensor.fill_(torch.nan if tensor.is_floating_point() else 0)
        own = weights_of(fresh, copied=False)
        for name, tensor in load_file(path).items():
            own[name].copy_(tensor)
    return lambda *given: as_tuple(fresh(*given))


def weights_of(part: Part, *, copied: bool = True) -> dict[str, Tensor]:
    """By name; `copied`: each in a piece of memory of its own, as the format wants it."""
    state = part.autoencoder.state_dict()
    own = {name: tensor for name, tensor in state.items() if name.startswith(PREFIXES[part.part])}
    return {name: tensor.contiguous().clone() for name, tensor in own.items()} if copied else own


def write_pt2(traced: Traced, path: Path, metadata: Mapping[str, str]) -> None:
    """For `torch.export.load`; the metadata are the extra file `hourglass.json` in it."""
    buffer = io.BytesIO()  # of a path it wants to know how it ends
    with quiet():
        torch.export.save(traced.program, buffer, extra_files={"hourglass.json": json.dumps(dict(metadata))})
    path.write_bytes(buffer.getbuffer())


def read_pt2(path: Path) -> Function:
    with quiet():
        module = torch.export.load(io.BytesIO(path.read_bytes())).module()
    return lambda *given: as_tuple(module(*given))


def write_onnx(traced: Traced, path: Path, metadata: Mapping[str, str]) -> int:
    """For onnxruntime and others; returns the opset. Raises ConfigError where an operation has no ONNX."""
    try:
        import onnx
        import onnxscript  # noqa: F401  # torch's exporter needs it, and would say so in its own words
    except ModuleNotFoundError as error:
        raise needs_extra(error) from None
    part = traced.part
    if sum(tensor.nbytes for tensor in part.state_dict().values()) > LARGEST_ONNX:
        raise ConfigError(f"the weights are larger than the {LARGEST_ONNX:,} bytes of an ONNX file: use format=pt2")
    names = [[port.name for port in ports] for ports in (part.inputs, part.outputs)]
    try:
        with quiet():
            made = torch.onnx.export(
                traced.program, dynamo=True, verbose=False, input_names=names[0], output_names=names[1]
            )
        assert made is not None, "what dynamo=True returns"
        model = made.model_proto
    except (RuntimeError, ValueError, NotImplementedError) as error:
        raise ConfigError(f"part={part.part} of this network has no ONNX: {_reason(error)}") from error
    _name_dimensions(model.graph, part, traced.dynamic)
    for node in (*model.graph.node, *(node for function in model.functions for node in function.node)):
        del node.metadata_props[:]  # names of modules and lines of code, which no one needs
    onnx.helper.set_model_props(model, dict(metadata))
    path.write_bytes(model.SerializeToString())
    return max(int(opset.version) for opset in model.opset_import if opset.domain in ("", "ai.onnx"))


def read_onnx(path: Path) -> Function:
    """In onnxruntime, on the CPU. Raises ConfigError where it refuses the file."""
    try:
        import onnxruntime
    except ModuleNotFoundError as error:
        raise needs_extra(error) from None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what goes wrong is raised
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # of a type of its own for each kind of failure
        raise ConfigError(f"onnxruntime does not take the file: {first_line(error)}") from error
    inputs = [one.name for one in session.get_inputs()]

    def run(*given: Tensor) -> Sequence[Tensor]:
        feed = {name: tensor.numpy() for name, tensor in zip(inputs, given, strict=True)}
        return [torch.from_numpy(array) for array in session.run(None, feed)]

    return run


def dimensions(port: Port, dynamic: bool) -> list[str | int]:
    """`["batch", 1, "height", "width"]`; of a grid that is coarser by 4 `height/4`."""
    if not dynamic or port.grid is None:
        return ["batch", *port.shape]
    each = "" if port.grid == 1 else f"/{port.grid}"
    return ["batch", *port.shape[:-2], f"height{each}", f"width{each}"]


def _name_dimensions(graph: Any, part: Part, dynamic: bool) -> None:
    del graph.value_info[:]  # it has the exporter's names for them
    for values, ports in ((graph.input, part.inputs), (graph.output, part.outputs)):
        for value, port in zip(values, ports, strict=True):
            shape = value.type.tensor_type.shape
            for dimension, name in zip(shape.dim, dimensions(port, dynamic), strict=True):
                if isinstance(name, str):
                    dimension.dim_param = name


def _reason(error: BaseException) -> str:
    """The innermost cause: the exporter wraps it in pages of advice."""
    while error.__cause__ is not None:
        error = error.__cause__
    return first_line(error)


def as_tuple(made: Any) -> tuple[Tensor, ...]:
    return tuple(made) if isinstance(made, tuple | list) else (made,)
