"""The codes of a trained run: as a table, what they are worth, and images made of new ones."""
