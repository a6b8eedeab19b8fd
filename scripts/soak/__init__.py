"""A long load, and whether anything grows under it."""
