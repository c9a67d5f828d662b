"""The whole contract between the parts of an autoencoder, on one screen.

| part                                 | call                        | shape                                          |
|--------------------------------------|-----------------------------|------------------------------------------------|
| `Down(in_channels, out_channels, …)` | `y, index = down(x)`        | (N, Ci, H, W) -> (N, Co, ceil(H/s), ceil(W/s)) |
| `Up(in_channels, out_channels, …)`   | `x = up(y, size, index)`    | (N, Ci, h, w) -> (N, Co, *size)                |
| `Encoder(image_shape, …)`            | `encoded = encoder(images)` | (N, C, H, W) -> `Encoded`; has `.spec`         |
| `Latent(spec, …)`                    | `latent(code, noise)`       | -> `Coded`, code of the same shape             |
| `Decoder(spec, …)`                   | `decoder(encoded)`          | `Encoded` -> (N, C, H, W)                      |

A Down rounds **up**, so 28 -> 14 -> 7 -> 4 whatever the operator; an Up makes ceil(n/s)·s rows and columns and
crops bottom and right to exactly `size`. Each of them holds exactly one learned convolution (the two of `up_dynamic.py`
learn besides how to interpolate), and counts its multiply-adds for one image as `macs(shape_in, shape_out)`. All that a
decoder may use arrives in `Encoded`; an Up that needs no index ignores it.
"""

from typing import Annotated

from pydantic import Field

Shape = tuple[int, ...]
"""(C, H, W) of images and feature maps, or (D,) of a flat code; no batch dimension."""


# Ranges that a signature can state; `hourglass.runs.build` refuses a configured value outside them.
Count = Annotated[int, Field(ge=1)]


Size = Annotated[int, Field(ge=0)]


Factor = Annotated[int, Field(ge=2)]


Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


Probability = Annotated[float, Field(ge=0, le=1)]


Channels = Annotated[list[Count], Field(min_length=1)]
