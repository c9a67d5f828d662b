"""A trained run taken away: a file of it with its card, and a folder for `from_pretrained`."""
