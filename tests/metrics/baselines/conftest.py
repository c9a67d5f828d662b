"""What the baselines are tried on."""

import pytest
from torch import Tensor

from helpers import images


@pytest.fixture(scope="session")
def digits() -> tuple[Tensor, Tensor]:
    return images.digits()
