"""The words nearest to what a trial learnt, as a file beside its prompt, for who looks at it in MLflow."""

from __future__ import annotations

import json
from pathlib import Path

from nemesis_sweep.files.atomic import replacing
from nemesis_sweep.prompts.artifact import Prompt
from nemesis_sweep.sweep.worker.result import WORDS
from nemesis_sweep.training.nearest_words import CONTEXT, has_words, nearest_words
from nemesis_sweep.vlm.backbone import Backbone

MOST = 256
"""Vectors of a prompt that are compared with the vocabulary after each trial: a fraction of a second. A
context for every class has more, and `nemesis-sweep words` for those who ask."""


def write_words(folder: Path, prompt: Prompt, backbone: Backbone) -> list[str]:
    """Write `nearest_words.json` and return its name; none of a prompt without words, or of a large one."""
    if not has_words(prompt) or prompt.tensors[CONTEXT].flatten(0, -2).shape[0] > MOST:
        return []
    words = nearest_words(prompt, backbone).to_json()
    with replacing(folder / WORDS) as partial:
        partial.write_text(json.dumps(words, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return [WORDS]
