"""From a folder of runs to the files of its report."""

from hourglass.report import markdown
from hourglass.report.analysis import tables
from hourglass.report.analysis.review import Review, review
from hourglass.report.page import render
from hourglass.report.reading import runs
from hourglass.report.request import Request


def make(request: Request) -> Review:
    """Write the files, print the short answer, and return what is in them."""
    reviewed = review(runs.read(request.folder), request.reference, request.metric)
    out = request.out
    out.mkdir(parents=True, exist_ok=True)
    (out / "report.md").write_text(markdown.write(reviewed), encoding="utf-8")
    tables.results(reviewed.sweep).to_csv(out / "results.csv", index=False)
    files = ["report.html", "report.md", "results.csv"]
    if len(reviewed.evaluated):
        reviewed.evaluated.to_csv(out / "evaluations.csv", index=False)
        files.append("evaluations.csv")
    render.write(reviewed, out / "report.html")  # last, because most can go wrong there
    print("\n".join(markdown.answer(reviewed)))
    for problem in reviewed.sweep.others:
        print(f"  {problem.status:<12} {problem.id}  {' '.join(problem.overrides)}  {problem.reason}")
    print("\n".join(f"  {out / file}" for file in files))
    return reviewed
