"""Parts of a sweep that are not of this package: modules of the user's own, and installed ones."""
