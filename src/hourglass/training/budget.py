"""How long a run is: a budget in which nothing would be trained or measured is refused."""

from lightning.pytorch import Trainer

from hourglass.core.errors import ConfigError
from hourglass.data.datamodule import ImageData


def refuse_an_empty_budget(trainer: Trainer, data: ImageData) -> None:
    """Raise ConfigError where nothing would be trained, or nothing measured before the training is over."""
    train = limited(len(data.train_dataloader()), trainer.limit_train_batches)
    if trainer.max_epochs == 0 or trainer.max_steps == 0 or train == 0:
        raise ConfigError(
            "nothing would be trained: trainer.max_epochs, max_steps and limit_train_batches must not be 0, or a share "
            "of less than a batch"
        )
    for loader, limit in ((data.val_dataloader(), "limit_val_batches"), (data.test_dataloader(), "limit_test_batches")):
        if limited(len(loader), getattr(trainer, limit)) == 0:
            raise ConfigError(
                f"nothing would be measured: trainer.{limit} must not be 0, or a share of less than a batch"
            )
    every = trainer.check_val_every_n_epoch or 1
    first = every * -(-train // trainer.accumulate_grad_batches)  # steps
    if trainer.val_check_interval == 1.0 and (0 < (trainer.max_epochs or 0) < every or 0 < trainer.max_steps < first):
        raise ConfigError(
            f"the run would end before its first validation, after epoch {every} or {first} steps: use a larger "
            "trainer.max_epochs or max_steps, or a smaller trainer.check_val_every_n_epoch or limit_train_batches"
        )


def limited(batches: int, limit: int | float | None) -> int:
    """Batches of an epoch under one of Lightning's limits: a number of batches, or a share."""
    if limit is None:
        return batches
    return min(batches, limit) if isinstance(limit, int) else int(batches * limit)
