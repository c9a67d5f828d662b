"""How the commands of the pages are run in a moment, and which cannot be run at all."""

import re
import shlex

from helpers.project import TINY

FOLLOWED = {
    "docs/clusters.md": "tests/sweeps/test_slurm.py, tests/sweeps/test_ray.py, tests/runs/test_nodes.py",
    "docs/own_pictures.md": "tests/docs/test_own_pictures.py",
    "docs/extending.md": "tests/docs/test_extending.py",
    "docs/speed.md": "tests/docs/test_benchmarks.py",
}
"""Pages whose every command is run by a test of their own."""
NOT_RUN = {
    r"pip install .*": "needs a network; tests/docs/test_commands.py looks for the extra, .ci/run installs",
    r"python -m venv \.venv && .*": "needs a network; .ci/run does it",
    r".*mkdocs build.*": "tests/docs/test_site.py builds and opens it",
    r"wandb (sync|leet|sweep|agent) .*": "needs an account; tests/docs/test_commands.py looks for what it is given",
    r".*data\.download=true": "needs a network; tests/data/test_torchvision.py reads these files",
    r".*hydra/launcher=submitit_slurm .*": "needs a cluster; tests/sweeps/test_slurm.py runs one",
    r".*hydra/launcher=(joblib|submitit_local)( .*)?": "starts a Python a job; tests/sweeps/test_launchers.py runs one",
    r"(python train\.py|hourglass train) resume=.*": "needs a run that was stopped: tests/docs/test_own_pictures.py",
    r"lint-imports": "tests/house/test_layers.py runs it",
}
"""Pattern of a command -> why it is not run with the others, and what is tried of it, or who runs it."""
PLACES = {
    "logs/runs/<run> logs/runs/<run>": "logs/runs/first logs/runs/second",
    "logs/sweeps/decoders ladder=true": "logs/sweeps/small ladder=true",
    "<run>": "first",
    "<name>": "small",
    "/usr/share/datasets/fashion-mnist": "fashion",
    "'seed=range(0,8)'": "seed=0,1",
    "latent.dim=4,8,16,32,64": "latent.dim=4,8",
    "budgets=[250,1250,5000]": "budgets=[2,3]",
    "search.trials=60": "search.trials=3",
    "n=250": "n=50",
}
"""What stands in a command -> what is typed in its place."""
REFUSED = ("decoder.kernel=4", "optimizer.lr=nan", "encoder=strided decoder=max_unpool")
"""What the pages show as mistakes."""
MORE = {
    r".* search=optuna .*": "search.trials=2",
    r".* '?(tune|tune\.\S+)=.*": "tuning.seeds=[1000] tuning.extensions=0",
    r"python show\.py (?!runs=|.*untrained=true).*": "steps=4",
    r"python sample\.py .*": "train=200 steps=20",
    r"python probe\.py .*": "train=200 test=100",
}
"""Pattern of a command -> what makes it short, beside what every training is given."""


def why_not(line: str) -> str | None:
    """Why a command is not run."""
    return next((why for pattern, why in NOT_RUN.items() if re.fullmatch(pattern, line)), None)


def is_refused(line: str) -> bool:
    return any(line.endswith(f" {mistake}") for mistake in REFUSED)


def shortened(line: str) -> str:
    """The command as it is typed: the same, on fewer images, for fewer steps."""
    for shown, typed in PLACES.items():
        line = line.replace(shown, typed)
    more = [text for pattern, text in MORE.items() if re.fullmatch(pattern, f"{line} ")]
    added = [word for text in more for word in text.split()]
    asks = re.search(r" (--help|--cfg|-sc|resume=)", line)
    if re.match(r"(python train\.py|hourglass train)( |$)", line) and not asks:
        added += TINY
    given = {word.split("=")[0] for word in shlex.split(line)}
    if "budgets" in given:
        given.add("trainer.max_epochs")
    if any(key.startswith("logger.") for key in given):
        given.add("logger")
    return " ".join([line, *(shlex.quote(word) for word in added if word.split("=")[0] not in given)])
