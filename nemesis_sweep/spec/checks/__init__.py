"""Rules between the keys of a sweep file, each in a file of its own: what breaks one is a fault."""
