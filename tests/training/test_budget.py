"""However short a run is, it is validated; and one in which nothing would be trained is refused."""

from pathlib import Path
from typing import Any

import pytest
from lightning.pytorch import Callback

from helpers import by_hand, project
from hourglass.core.errors import ConfigError
from hourglass.training.budget import refuse_an_empty_budget, validate_at_the_end
from hourglass.training.checkpoints import checkpoint_path, read_checkpoint
from hourglass.training.module import AutoencoderModule
from hourglass.training.trainer import trainer_for


class Validated(Callback):
    def __init__(self) -> None:
        self.steps: list[int] = []

    def on_validation_end(self, trainer: Any, module: Any) -> None:
        self.steps.append(trainer.global_step)


@pytest.mark.parametrize(
    ("options", "steps"),
    [  # 6 batches an epoch
        ({}, [6, 12]),
        ({"max_steps": 3}, [3]),
        ({"max_steps": 8}, [6]),
        ({"max_epochs": 1, "check_val_every_n_epoch": 2}, [6]),
        ({"max_steps": 6, "check_val_every_n_epoch": 2}, [6]),
        ({"max_steps": 8, "check_val_every_n_epoch": 2}, [8]),
        ({"max_epochs": 5, "check_val_every_n_epoch": 2}, [12, 24]),
        ({"max_steps": 3, "val_check_interval": 4}, [3]),
        ({"val_check_interval": 4}, [4, 10]),
        ({"val_check_interval": 0.5}, [3, 6, 9, 12]),
        ({"max_steps": 2, "accumulate_grad_batches": 2}, [2]),
        ({"max_steps": 4, "accumulate_grad_batches": 2}, [3]),
        ({"max_epochs": -1, "max_steps": 4}, [4]),
        ({"max_steps": 2, "limit_train_batches": 4}, [2]),
    ],
)
def test_the_first_validation_is_at_the_end_of_a_run_that_would_end_before_it(
    tmp_path: Path, options: dict[str, Any], steps: list[int]
) -> None:
    validated, data = Validated(), by_hand.images()
    trainer = by_hand.trainer_for(tmp_path, [validated], **options)
    data.trainer = trainer
    refuse_an_empty_budget(trainer, data)
    validate_at_the_end(trainer, by_hand.PER_EPOCH)
    trainer.fit(by_hand.module(), datamodule=data, weights_only=True)
    assert validated.steps == steps
    assert read_checkpoint(checkpoint_path(tmp_path, "best"))["global_step"] in steps


def test_to_overfit_is_to_train_on_the_same_images_each_epoch(tmp_path: Path) -> None:
    class Seen(Callback):
        images: list[list[int]] = []  # noqa: RUF012

        def on_train_batch_start(self, trainer: Any, module: Any, batch: Any, batch_idx: int) -> None:
            self.images.append([int(10_000 * one.sum()) for one in batch.target])

    parts = project.parts(*project.TINY, "trainer.limit_train_batches=null", "trainer.overfit_batches=2")
    trainer, data = trainer_for(parts)(callbacks=[seen := Seen()], max_epochs=3, default_root_dir=tmp_path), parts.data
    data.setup()
    module = AutoencoderModule(
        parts.autoencoder(data.image_shape), parts.loss, parts.optimizer, parts.metrics, seed=0, config={}
    )
    trainer.fit(module, datamodule=data)
    assert len(seen.images) == 6
    assert seen.images[:2] == seen.images[2:4] == seen.images[4:]
    assert seen.images[0] != seen.images[1]


@pytest.mark.parametrize(
    "options",
    [{"max_epochs": 0}, {"max_steps": 0}, {"limit_train_batches": 0.1}, {"limit_val_batches": 0},
     {"limit_test_batches": 0.1}],
)  # fmt: skip
def test_nothing_to_train_or_to_measure_is_refused(tmp_path: Path, options: dict[str, Any]) -> None:
    data = by_hand.images()
    data.trainer = trainer = by_hand.trainer_for(tmp_path, **options)
    with pytest.raises(ConfigError, match="nothing would be"):
        refuse_an_empty_budget(trainer, data)
