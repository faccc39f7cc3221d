"""Image files to pixels: in this thread, ahead in others, or in processes of their own."""
