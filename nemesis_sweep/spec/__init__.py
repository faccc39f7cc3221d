"""The sweep file: its models, how it is read, and what is checked in it."""
