"""The sweep file: its models, how it is read, and what is said when it cannot be used."""
