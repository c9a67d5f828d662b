"""Operators side by side on one picture, from untrained to trained, as PNG and HTML; trained now or read from runs."""
