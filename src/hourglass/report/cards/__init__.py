"""Cards of the operators: what each does to an image before any training, measured and drawn."""
