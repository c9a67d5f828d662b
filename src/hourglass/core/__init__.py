"""What everything stands on: errors, files, text, types, signals, processes. No torch."""
