"""The notebooks, run from top to bottom and kept with what they show.

python tools/run_notebooks.py                       all of them
python tools/run_notebooks.py 02_operators …        some

Each runs in a folder that holds nothing but the run of `python train.py`, so that what is committed is what anybody
gets. Pictures are kept in few colours, to be small.
"""

import argparse
import base64
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from PIL import Image

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "notebooks"
NAMES = sorted(path.stem for path in FOLDER.glob("*.ipynb"))
OPENS_A_RUN = "01_first_run"
COLOURS = 64
TEXTS = ("text/plain", "text/markdown")


def prepare(folder: Path, names: Sequence[str]) -> None:
    """Make a folder that looks like a checkout to the notebooks, with the run that one of them opens."""
    (folder / "notebooks").mkdir(parents=True)
    shutil.copy(ROOT / "train.py", folder)
    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # so that the texts are those of a machine without a GPU
    if OPENS_A_RUN in names:
        command = [sys.executable, "train.py", "logger=none", "trainer.enable_progress_bar=false"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)


def read(name: str) -> NotebookNode:
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def executed(name: str, folder: Path) -> NotebookNode:
    """The notebook with all its outputs, run in a folder that was prepared; raises where a cell does."""
    notebook = read(name)
    metadata = notebook.metadata.copy()
    place = {"metadata": {"path": folder / "notebooks"}}
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources=place, record_timing=False).execute()
    notebook.metadata = metadata  # without the version of this machine's Python
    for cell in code_cells(notebook):
        cell.outputs = _joined(cell.outputs)
        for output in cell.outputs:
            if "image/png" in output.get("data", {}):
                output.data["image/png"] = _small(output.data["image/png"])
                output.data.pop("image/jpeg", None)  # the same once more
    return notebook


def _joined(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """What was printed in a row as one output, in however many pieces it came."""
    joined: list[NotebookNode] = []
    for output in outputs:
        if joined and output.output_type == joined[-1].output_type == "stream" and output.name == joined[-1].name:
            joined[-1].text += output.text
        else:
            joined.append(output)
    return joined


def _small(png: str) -> str:
    """A picture, base64 as it stands in a notebook, in `COLOURS` colours."""
    image = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
    written = io.BytesIO()
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(written, "PNG", optimize=True)
    return base64.b64encode(written.getvalue()).decode()


def shown(notebook: NotebookNode) -> list[list[str]]:
    """What each code cell shows, to be compared: texts, in which a word with a digit in it counts as #, and kinds of
    pictures."""
    return [[_compared(output) for output in cell.outputs] for cell in code_cells(notebook)]


def _compared(output: NotebookNode) -> str:
    if output.output_type == "stream":
        return f"{output.name}: {_masked(output.text)}"
    texts = [_masked(output.data[kind]) for kind in TEXTS if kind in output.data]
    return " | ".join([*sorted(kind for kind in output.data if kind not in TEXTS), *texts])


def _masked(text: str) -> str:
    return " ".join("#" if any(map(str.isdigit, word)) else word for word in text.split())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(NAMES))
    names = parser.parse_args().names or NAMES
    if unknown := sorted(set(names) - set(NAMES)):
        parser.error(f"there is no notebook {unknown[0]}: choose among {', '.join(NAMES)}")
    with TemporaryDirectory() as folder:
        prepare(Path(folder, "hourglass"), names)
        for name in names:
            nbformat.write(executed(name, Path(folder, "hourglass")), FOLDER / f"{name}.ipynb")
            print(f"{name}: {(FOLDER / f'{name}.ipynb').stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
