"""How long a run is: a budget in which nothing would be trained is refused, and a short one validates at its end."""

from lightning.pytorch import Trainer

from hourglass.core.errors import ConfigError
from hourglass.data.datamodule import ImageData


def refuse_an_empty_budget(trainer: Trainer, data: ImageData) -> None:
    """Raise ConfigError where nothing would be trained or measured."""
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


def validate_at_the_end(trainer: Trainer, batches: int) -> None:
    """Move the first validation to the end of a run that would end before it; an epoch has that many `batches`."""
    batches, together = limited(batches, trainer.limit_train_batches), trainer.accumulate_grad_batches
    per_epoch = -(-batches // together)  # steps
    ends = [trainer.max_steps] if trainer.max_steps > 0 else []
    ends += [epochs * per_epoch] if (epochs := trainer.max_epochs or -1) > 0 else []
    if not ends or trainer.val_check_interval is None:  # ended by time alone, or validated by time
        return
    interval = limited(batches, trainer.val_check_interval)
    within = -(-interval // together)
    first = ((trainer.check_val_every_n_epoch or 1) - 1) * per_epoch + within
    if min(ends) < first:
        epochs, rest = divmod(min(ends), per_epoch)
        trainer.check_val_every_n_epoch = epochs + (rest > 0)
        trainer.val_check_interval = rest * together if rest else 1.0


def limited(batches: int, limit: int | float | None) -> int:
    """Batches of an epoch under one of Lightning's limits: a number of batches, or a share."""
    if limit is None:
        return batches
    return min(batches, limit) if isinstance(limit, int) else int(batches * limit)
