"""Cards of the operators: what each does to an image before any training, drawn and measured. See `docs/operators/`."""
