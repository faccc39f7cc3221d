"""AltCLIP: XLM-R, whose states are normalised and transformed before the first is projected; CLIP's images.

transformers' text model gives the transformed states, so the first of them is all that is left to do.
"""

from __future__ import annotations

from nemesis_sweep.vlm.dual_encoders.parts import clip_like_parts

parts_of = clip_like_parts
"""Of transformers' `AltCLIPModel`."""
