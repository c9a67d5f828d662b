"""From the command line to a run; one file a command. Torch is imported here, once it is needed."""
