"""The kinds of learnable prompts, by name. Importing this module does not import torch."""

PROMPTS: dict[str, str] = {"coop": "context vectors in front of, around or behind the class name (CoOp)"}
