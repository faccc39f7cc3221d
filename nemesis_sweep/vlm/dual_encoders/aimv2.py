"""AIMv2's contrastive model, which the causality probe refuses.

Without padding its text tower looks both ways, with padding it looks back only (transformers 5.23): a text
has two features, by how it is padded. It is here so that every version of transformers is asked anew.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from nemesis_sweep.vlm.dual_encoders.parts import FirstStateByIds, Parts, clip_like_parts


class LastWord(FirstStateByIds):
    """A text model that takes ids alone; the last state that is no padding becomes the feature."""

    def feature(self, states: Tensor, seen: Tensor | None) -> Tensor:
        assert seen is not None
        last = seen.sum(dim=1) - 1
        projected: Tensor = self.projection(states[range(len(states)), last])
        return projected


def parts_of(model: Any) -> Parts:
    """Of transformers' `Aimv2Model`."""
    return clip_like_parts(model, LastWord)
