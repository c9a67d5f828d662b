"""What a user hands to an autoencoder, checked: each mistake is one DataError that names the cure.

Training does not come through here: it calls `Autoencoder.forward` and `reconstruct`.
"""

from typing import Any

from torch import Tensor

from hourglass.core.errors import DataError
from hourglass.core.types import Shape
from hourglass.nn.contract import ENCODERS_WITH_INDEX, CodeSpec, Encoded, IndexKind


def check_images(images: Any, shape: Shape, like: Tensor, *, corrupted: bool) -> None:
    """Raise DataError unless `images` are (N, *shape), of the dtype and on the device of `like`, in [0, 1], N > 0.

    `corrupted`: they may leave [0, 1], as noisy ones do, and must be finite.
    """
    _check_tensor(images, "images")
    _check_images_shape(tuple(images.shape), shape)
    if not images.is_floating_point():
        raise DataError(
            f"the images are {_named(images.dtype)}, and the network takes [0, 1]: use images.float() / 255"
        )
    _check_like(images, like, "images")
    low, high = _check_finite(images, "images")
    if low < 0 or high > 1:
        if low >= 0 and high > (50 if corrupted else 2):  # no noise leads that far
            raise DataError(f"the images go up to {high:g}, and the network takes [0, 1]: use images / 255")
        if not corrupted:
            raise DataError(
                f"the images go from {low:g} to {high:g}, and the network takes [0, 1]: scale them, or say "
                "corrupted=True if noise has led them out of it"
            )


def check_encoded(encoded: Any, spec: CodeSpec, needs: IndexKind | None, like: Tensor, factor: int) -> None:
    """Raise DataError unless `encoded` is what an encoder of these shapes sends to a decoder that needs such indices.

    `factor`: of each stage, for the range of the indices.
    """
    if not isinstance(encoded, Encoded):
        raise DataError(
            f"a {type(encoded).__name__} is no Encoded: decode what encode returns, or Encoded(code, indices)"
        )
    code, stages = encoded.code, len(spec.shapes) - 1
    _check_tensor(code, "code")
    if tuple(code.shape[1:]) != tuple(spec.code_shape) or code.ndim != len(spec.code_shape) + 1:
        raise DataError(
            f"the code is {_as_text(code.shape)}, and this decoder takes (N, {', '.join(map(str, spec.code_shape))}): "
            "decode what encode returns"
        )
    _check_like(code, like, "code")
    _check_finite(code, "code")
    if not isinstance(encoded.indices, tuple) or len(encoded.indices) != stages:
        raise DataError(f"indices are one for each stage, {stages} here: use a tuple, or (None,) * {stages} for none")
    if needs is None:
        return
    for i, index in enumerate(encoded.indices):
        shape: Shape = spec.shapes[i + 1] if needs == "argmax" else ()
        below = spec.shapes[i][1] * spec.shapes[i][2] if needs == "argmax" else factor**2
        _check_index(index, (len(code), *shape), below, needs, i, like)


def check_noise(noise: Any, shape: Shape, like: Tensor) -> None:
    """Raise DataError unless `noise` is (N, *shape), finite, of the dtype and on the device of `like`, N > 0."""
    _check_tensor(noise, "noise")
    if tuple(noise.shape[1:]) != tuple(shape) or noise.ndim != len(shape) + 1:
        wanted = f"N, {', '.join(map(str, shape))}"
        raise DataError(
            f"the noise is {_as_text(noise.shape)}, and the prior takes ({wanted}): use torch.randn({wanted})"
        )
    _check_like(noise, like, "noise")
    _check_finite(noise, "noise")


def _check_tensor(value: Any, what: str) -> None:
    if not isinstance(value, Tensor):
        kind = type(value)
        name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
        raise DataError(
            f"the {what}, of type {name}, {_are(what)} no tensor: use torch.as_tensor({what}), with N first"
        )
    if value.ndim > 0 and value.shape[0] == 0:
        raise DataError(f"{_as_text(value.shape)} holds no {what}: give one at least")


def _check_images_shape(given: Shape, shape: Shape) -> None:
    takes = f"this network takes (N, {', '.join(map(str, shape))})"
    if given == shape:
        raise DataError(f"the images are {given}, one without N, and {takes}: use images[None]")
    if len(given) == 3 and shape[0] == 1 and given[1:] == shape[1:]:
        raise DataError(f"the images are {given}, without channels, and {takes}: use images[:, None]")
    if len(given) != 4:
        raise DataError(f"the images are {_as_text(given)}, of rank {len(given)}, and {takes}")
    if given[1:] == shape:
        return
    if given[1:] == (*shape[1:], shape[0]):
        raise DataError(f"the images are {given}, channels last, and {takes}: use images.permute(0, 3, 1, 2)")
    if given[1] != shape[0]:
        cure = "make them grey" if shape[0] == 1 else f"give {shape[0]} channels, as the run was trained on"
        raise DataError(f"the images are {given}, of {given[1]} channels, and {takes}: {cure}")
    raise DataError(f"the images are {given}, and {takes}: resize them or cut them to {shape[1]}×{shape[2]}")


def _check_like(value: Tensor, like: Tensor, what: str) -> None:
    if value.dtype != like.dtype:
        given, wanted = _named(value.dtype), _named(like.dtype)
        raise DataError(f"the {what} {_are(what)} {given}, the network {wanted}: use {what}.to(torch.{wanted})")
    if value.device != like.device:
        given, wanted = str(value.device), str(like.device)
        raise DataError(f'the {what} {_are(what)} on {given}, the network on {wanted}: use {what}.to("{wanted}")')


def _check_finite(values: Tensor, what: str) -> tuple[float, float]:
    """The least and the largest value."""
    low, high = (float(end) for end in values.detach().aminmax())  # NaN where there is one
    if not float("-inf") < low <= high < float("inf"):
        raise DataError(f"NaN or infinite values are in the {what}: find out where they come from, or replace them")
    return low, high


def _check_index(index: Any, shape: Shape, below: int, kind: IndexKind, stage: int, like: Tensor) -> None:
    name = f"indices[{stage}]"
    cure = f"decode what encode returns with {ENCODERS_WITH_INDEX[kind]}"
    if not isinstance(index, Tensor):
        raise DataError(f"{name} is missing, and this decoder needs the {kind} indices of the encoder: {cure}")
    if index.dtype.is_floating_point or index.dtype.is_complex or tuple(index.shape) != tuple(shape):
        raise DataError(f"{name} is {_named(index.dtype)} {_as_text(index.shape)}, not int64 {_as_text(shape)}: {cure}")
    if str(index.dtype) != "torch.int64":
        raise DataError(f"{name} is {_named(index.dtype)}, not int64: use {name}.long()")
    if index.device != like.device:
        raise DataError(f'{name} is on {index.device}, the network on {like.device}: use {name}.to("{like.device}")')
    if not 0 <= int(index.min()) <= int(index.max()) < below:
        raise DataError(f"{name} goes from {int(index.min())} to {int(index.max())}, beyond 0 to {below - 1}: {cure}")


def _are(what: str) -> str:
    return "are" if what == "images" else "is"


def _named(dtype: Any) -> str:
    return str(dtype).removeprefix("torch.")


def _as_text(shape: Any) -> str:
    return str(tuple(shape))
