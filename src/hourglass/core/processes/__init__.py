"""Processes that are started, watched and stopped, whatever they do. No torch."""
