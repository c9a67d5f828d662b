"""Folders of runs, read: configurations, runs, evaluations."""
