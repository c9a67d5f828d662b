"""The pages of the site are the files of the repository, as they are: a hook of MkDocs that finds each its place.

README.md is the start; what else lies outside docs/ and is linked to (a source, an option, a notebook) gets a page of
its own with its content, so that every link works in the site, in the repository and on the disk.
"""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
TOP = {
    "README.md": "index.md",
    "docs/README.md": "index.md",  # a table of contents, as the navigation is
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
    "conf": "reference/configuration.md",
}
"""Path in the repository -> page of the site, beside docs/x.md -> x.md."""
FENCE = re.compile(r"^( *)(`{3,})[^\n]*\n.*?^\1\2`* *$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(\]\()([^)\s]+)(\))")
LANGUAGES = {".py": "python", ".yaml": "yaml", ".md": "markdown"}


def place(path: str) -> str:
    """The page of the site for a file or folder of the repository."""
    if path in TOP:
        return TOP[path]
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    if path.startswith("conf/") and (ROOT / path).is_dir():  # a group: its keys
        return f"{TOP['conf']}#{path.removeprefix('conf/').replace('/', '')}"
    if (ROOT / path / "README.md").is_file():
        path = f"{path}/README.md"
    return f"files/{path}" if path.endswith(".md") else f"files/{path}.md"


def source(page: str) -> str:
    """The file of the repository that a page of the site stands for."""
    outside = {there: path for path, there in reversed(TOP.items()) if path.endswith(".md")}
    return outside.get(page) or (page.removeprefix("files/") if page.startswith("files/") else f"docs/{page}")


def links(text: str) -> Iterator[str]:
    """Every link of a page to a file of the repository, as written."""
    for _, link, _ in LINK.findall(FENCE.sub("", text)):
        if not re.match(r"[a-z]+:|#", link):
            yield link


def target(page: str, link: str) -> tuple[str, str]:
    """(path in the repository, anchor) of a link on the page that lies at `page` there."""
    path, _, anchor = link.partition("#")
    return PurePosixPath(os.path.normpath(PurePosixPath(page).parent / path)).as_posix(), anchor


def linked(pages: list[str]) -> Iterator[str]:
    """Files and folders outside docs/ that these pages link to, and those that those link to."""
    seen, ahead = set(pages), list(pages)
    while ahead:
        page = ahead.pop()
        text = (ROOT / page).read_text(encoding="utf-8")
        for path in (target(page, link)[0] for link in links(text)):
            path = f"{path}/README.md" if (ROOT / path / "README.md").is_file() else path
            if path not in seen and path not in TOP and not path.startswith("docs/"):
                seen.add(path)
                yield path
                ahead += [path] if path.endswith(".md") else []


def shown(path: str) -> str:
    """The Markdown of a page for a file or folder of the repository."""
    file = ROOT / path
    if file.suffix == ".md":
        return file.read_text(encoding="utf-8")
    if file.is_dir():
        entries = sorted(entry.name for entry in file.iterdir() if not entry.name.startswith("__pycache__"))
        return f"# {path}\n\n" + "\n".join(f"- `{entry}`" for entry in entries)
    if file.suffix == ".ipynb":
        return notebook(path)
    return f"# {path}\n\n{fenced(file.read_text(encoding='utf-8'), LANGUAGES.get(file.suffix, ''))}"


def notebook(path: str) -> str:
    """A notebook as a page: its text, code and outputs."""
    cells = json.loads((ROOT / path).read_text(encoding="utf-8"))["cells"]
    parts = [f"*`{path}`*"]
    for cell in cells:
        text = "".join(cell["source"])
        parts.append(text if cell["cell_type"] == "markdown" else fenced(text, "python"))
        parts += [output(item) for item in cell.get("outputs", [])]
    return "\n\n".join(parts)


def output(item: dict) -> str:
    data = item.get("data", {})
    if "image/png" in data:
        return f"![output](data:image/png;base64,{''.join(data['image/png']).strip()})"
    return fenced("".join(item.get("text", data.get("text/plain", []))), "text")


def fenced(text: str, language: str) -> str:
    return f"````{language}\n{text.rstrip()}\n````"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Take in what lies outside docs/."""
    pages = [f"docs/{file.src_uri}" for file in files.documentation_pages()]
    if contents := files.get_file_from_path("README.md"):
        files.remove(contents)
    outside = [path for path in TOP if path.endswith(".md") and not path.startswith("docs/")]
    for path in (*outside, *linked([*outside, *pages])):
        uri = place(path)
        if "#" not in uri and uri != TOP["conf"]:
            files.append(File.generated(config, uri, content=shown(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links as they are in the repository, made to lead to the pages of the site."""
    path = source(page.file.src_uri)
    folder = PurePosixPath(page.file.src_uri).parent

    def moved(match: re.Match[str]) -> str:
        before, link, after = match.groups()
        if re.match(r"[a-z]+:|#", link):
            return match[0]
        there, anchor = target(path, link)
        uri = os.path.relpath(place(there), folder)
        return f"{before}{uri}{'#' + anchor if anchor else ''}{after}"

    pieces, last = [], 0
    for fence in FENCE.finditer(markdown):
        pieces += [LINK.sub(moved, markdown[last : fence.start()]), fence[0]]
        last = fence.end()
    return "".join([*pieces, LINK.sub(moved, markdown[last:])])
