"""Scripts that make the embedded benchmark and the embedded CLIP; see ``README.md`` here for the order."""
