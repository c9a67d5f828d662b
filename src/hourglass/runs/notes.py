"""What the jobs of a sweep tell those that come after them."""

from dataclasses import dataclass, field


@dataclass
class Notes:
    """Filled in by a job, and handed to the next one."""

    messages: set[str] = field(default_factory=set)
    """What was said already and need not be repeated"""
    wandb_unreachable: bool = False
    """Log offline at once, and say nothing of it"""
