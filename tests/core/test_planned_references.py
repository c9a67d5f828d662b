"""What refers to another value on the command line of a sweep."""

from helpers.project import CONF
from hourglass.core.compat.hydra import Application, compose_sweep, jobs_of_sweep


def test_a_reference_on_the_command_line_is_planned_as_it_was_written() -> None:
    application = Application(CONF, "train", ["-m", "optimizer.weight_decay=${seed}", "seed=1,2", "sweep=x"])
    with application.loaded() as hydra:
        jobs = jobs_of_sweep(compose_sweep(hydra, application.name, application.overrides))
    assert [job[0].replace("\\", "") for job in jobs] == ["optimizer.weight_decay=${seed}"] * 2  # Hydra escapes braces
