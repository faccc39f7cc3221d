"""Chinese CLIP: BERT, whose first state is projected, and CLIP's image tower."""

from __future__ import annotations

from nemesis_sweep.vlm.dual_encoders.parts import clip_like_parts

parts_of = clip_like_parts
"""Of transformers' `ChineseCLIPModel`."""
