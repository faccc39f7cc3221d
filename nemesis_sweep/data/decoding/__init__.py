"""Image files to pixels: in this thread, or in others ahead of the encoder."""
