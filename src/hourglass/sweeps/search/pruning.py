"""Giving up on trials of a search that do worse than others did at the same epoch."""

from pathlib import Path

import optuna
from lightning.pytorch import Callback, Trainer

from hourglass.config.configuration import Node
from hourglass.config.validation import check
from hourglass.core.compat.optuna import open_trial
from hourglass.core.errors import Pruned
from hourglass.core.types import Count, Size
from hourglass.sweeps.search import study
from hourglass.training.module import AutoencoderModule


class Pruning(Callback):
    """Reports val/loss to the search after each validation; raises Pruned, on all ranks, where the median rule says so.

    The rule is Optuna's: give up where the best value so far is worse than the median of the other trials at that
    epoch, once `after_trials` are completed and this one has trained for `after_epochs`. The search is the one whose
    sweep folder the run lies in; nothing is reported to a trial that it has closed already.
    """

    def __init__(self, trial: int, rule: Node | None) -> None:
        self.number = trial
        self.pruner: optuna.pruners.BasePruner = optuna.pruners.NopPruner()
        if rule is not None:
            check(rule["after_trials"], Count, "search.pruning.after_trials")
            check(rule["after_epochs"], Size, "search.pruning.after_epochs")
            self.pruner = optuna.pruners.MedianPruner(
                rule["after_trials"], rule["after_epochs"], n_min_trials=rule["after_trials"]
            )

    def on_validation_end(self, trainer: Trainer, module: AutoencoderModule) -> None:  # type: ignore[override]
        worse = trainer.is_global_zero and self._report(trainer)
        if trainer.strategy.broadcast(worse):
            raise Pruned(f"at epoch {trainer.current_epoch + 1} it was worse than the median of the other trials")

    def _report(self, trainer: Trainer) -> bool:
        storage = study.storage(Path(trainer.default_root_dir).parent)
        (name,) = optuna.get_all_study_names(storage)
        search = optuna.load_study(study_name=name, storage=storage, pruner=self.pruner)
        frozen = search.trials[self.number]
        if frozen.state.is_finished():
            return False
        epoch = trainer.current_epoch + 1
        trial = open_trial(search, frozen)
        if epoch not in frozen.intermediate_values:  # a resumed run repeats its last validation
            trial.report(float(trainer.callback_metrics["val/loss"]), epoch)
        return trial.should_prune()
