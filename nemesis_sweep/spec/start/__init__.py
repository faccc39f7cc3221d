"""New sweep files: the ones that ship, and a copy of one with other values and its comments."""
