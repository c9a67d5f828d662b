"""How the suite runs: one thread a process, nothing of W&B outside a test's folder."""

from pathlib import Path

import pytest

from helpers import project  # noqa: F401  # sets up threads and resolvers


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What shares an expensive fixture goes to one process; the rest is shared out a test at a time."""
    whole_files = ("test_cards", "test_notebooks", "test_ray", "test_slurm", "test_untrained_layers")
    for item in items:
        if item.path.stem in whole_files or "folder" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


@pytest.fixture(autouse=True)
def _wandb_stays_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test may find a key, go online, or write outside its own folder."""
    for name in ("WANDB_API_KEY", "WANDB_MODE", "WANDB_SWEEP_ID", "WANDB_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    for name in ("WANDB_CONFIG_DIR", "WANDB_CACHE_DIR", "WANDB_DATA_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "wandb_home"))
    monkeypatch.setenv("NETRC", str(tmp_path / "no_netrc"))
