"""Search: the jobs of a sweep are chosen by Optuna or by W&B."""
