"""Callbacks with a state, which checkpoints keep under a key that outlives the name of the class."""

from typing import Any

from lightning.pytorch import Callback


class Stateful(Callback):
    """Its attributes in `kept` are its state: plain values, and all that a resumed run needs of it."""

    state_key: str
    """In every run folder: whoever changes it loses what runs have saved under it"""
    kept: tuple[str, ...]

    def state_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.kept}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        for name in set(self.kept) & set(state_dict):  # an earlier version may have kept less
            setattr(self, name, state_dict[name])
