"""Runs and sweeps below a folder: found, listed, compared, cleaned up. No torch, and nothing in them is trusted."""
