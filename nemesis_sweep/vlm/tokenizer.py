"""The tokenizer that an architecture's configuration names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.reason import reason
from nemesis_sweep.vlm.configuration import DEFAULT_LENGTH
from nemesis_sweep.vlm.vocabulary import has_vocabulary, require_transformers


def make_tokenizer(text_config: Mapping[str, Any], folder: Path | None = None) -> Any:
    """Open_clip's tokenizer for a `text_cfg`: CLIP's own, or one of Hugging Face's (SigLIP, CLIPA, roberta).

    folder: where a model lies; a Hugging Face tokenizer is read from there if its files are beside the
    weights, else from the hub's cache, else downloaded. Raises UserError when it cannot be had, and for one
    that fills no texts up.
    """
    from open_clip.tokenizer import HFTokenizer, SimpleTokenizer

    length = text_config.get("context_length") or DEFAULT_LENGTH
    options = dict(text_config.get("tokenizer_kwargs") or {})
    name = text_config.get("hf_tokenizer_name")
    if not name:
        return SimpleTokenizer(context_length=length, **options)
    require_transformers(f"the tokenizer {name}")
    beside = has_vocabulary(folder)
    try:
        made = HFTokenizer(
            str(folder) if beside else name,
            context_length=length,
            tokenizer_mode=text_config.get("tokenizer_mode"),
            **options,
        )
    # Whatever transformers raises for files that somebody wrote is the files'; an ImportError, of a kind of
    # tokenizer that needs one more package.
    except Exception as error:
        raise UserError(Problem(f"cannot load the tokenizer {name}", found=reason(error))) from error
    if getattr(made.tokenizer, "pad_token_id", None) is None:
        message = f"the tokenizer {name} has no token that fills texts up"
        raise UserError(Problem(message, allowed="pad_token in tokenizer_config.json"))
    return made
