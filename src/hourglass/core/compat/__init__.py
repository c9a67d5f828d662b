"""Other libraries where they promise nothing: one module a library, imported only by those who need it;
and `extras`, those that may be absent."""
