"""Tests that a part from outside can inherit: what each kind of part keeps to."""

from nemesis_sweep.testing.prompt_contract import PromptContract

__all__ = ["PromptContract"]
