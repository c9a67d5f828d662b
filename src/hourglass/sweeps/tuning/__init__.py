"""Tuning: what a sweep compares gets its own best values first, on seeds that are not reported."""
