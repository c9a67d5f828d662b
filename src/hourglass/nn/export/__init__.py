"""A network out of here: its parts as functions of tensors, and files of them that others run without this package."""
