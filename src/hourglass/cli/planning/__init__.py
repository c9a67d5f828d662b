"""A sweep before its first job: what it is made of, and what is refused."""
