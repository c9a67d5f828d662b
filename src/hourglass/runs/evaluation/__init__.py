"""A trained run once more: under other corruption, on other data, on your own pictures."""
