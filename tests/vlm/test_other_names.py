"""Backbones by the names that others give them."""

import pytest

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.vlm.registry import find_backbone


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("openai/clip-vit-base-patch16", "ViT-B-16@openai"),
        ("openai/clip-vit-base-patch32", "ViT-B-32@openai"),
        ("openai/clip-vit-large-patch14", "ViT-L-14@openai"),
        ("openai/clip-vit-large-patch14-336", "ViT-L-14-336@openai"),
        ("clip-vit-base-patch16", "ViT-B-16@openai"),
        ("google/siglip-base-patch16-224", "ViT-B-16-SigLIP@webli"),
        ("google/siglip-base-patch16-384", "ViT-B-16-SigLIP-384@webli"),
        ("google/siglip-large-patch16-256", "ViT-L-16-SigLIP-256@webli"),
        ("google/siglip-so400m-patch14-384", "ViT-SO400M-14-SigLIP-384@webli"),
        ("google/siglip2-base-patch16-224", "ViT-B-16-SigLIP2@webli"),
        ("google/siglip2-large-patch16-256", "ViT-L-16-SigLIP2-256@webli"),
        ("ViT-B/16", "ViT-B-16@openai"),
        ("ViT-B/32@openai", "ViT-B-32@openai"),
        ("ViT-L/14@336px", "ViT-L-14-336@openai"),
        ("ViT-B-16/openai", "ViT-B-16@openai"),
        ("vit_b16", "ViT-B-16@openai"),
        ("vit_b16_ep50_ctxv1", "ViT-B-16@openai"),
        ("rn50", "RN50@openai"),
        ("RN50x-4", ""),
        ("laion/CLIP-ViT-B-32-laion2B-s34B-b79K", "hf-hub:laion/CLIP-ViT-B-32-laion2B-s34B-b79K"),
        ("ViT-B-16:openai", "ViT-B-16@openai"),
        ("openai/ViT-B-16", "ViT-B-16@openai"),
        ("openai:ViT-B/16", "ViT-B-16@openai"),
        ("ViT-B/16:openai", "ViT-B-16@openai"),
        ("ViT-B-16-openai", "ViT-B-16@openai"),
        ("ViT-B-16, openai", "ViT-B-16@openai"),
        ("ViT-B-16 openai", "ViT-B-16@openai"),
        ("clip:ViT-B/16", "ViT-B-16@openai"),
        ("ViT-B-32:laion2b_s34b_b79k", "ViT-B-32@laion2b_s34b_b79k"),
        ("ViT-B-32/laion2B-s34B-b79K", "ViT-B-32@laion2b_s34b_b79k"),
        ("ViT-B-32:laion2b_s", "ViT-B-32@laion2b_s34b_b79k"),
        ("ViT-B-16:opanai", "ViT-B-16@openai"),
        ("ViT-B-16/foo", ""),
        ("RN50:openai", "RN50@openai"),
        ("hf-hub:ViT-B-16", "ViT-B-16@openai"),
        ("hf-hub: laion/CLIP-x", "hf-hub:laion/CLIP-x"),
        ("hf-hub://laion/CLIP-x", "hf-hub:laion/CLIP-x"),
        ("hf-hub/laion/CLIP-x", "hf-hub:laion/CLIP-x"),
        ("hf_hub:laion/CLIP-x@main", "hf-hub:laion/CLIP-x@main"),
        ("HF-HUB:laion/CLIP-x", "hf-hub:laion/CLIP-x"),
        ("hf:laion/CLIP-x", "hf-hub:laion/CLIP-x"),
        ("huggingface.co/laion/CLIP-x", "hf-hub:laion/CLIP-x"),
        ("https://huggingface.co/laion/CLIP-x/tree/main", "hf-hub:laion/CLIP-x@main"),
        ("./tsets/x-y", ""),
        ("~/openai/x", ""),
    ],
)
def test_the_name_here(theirs: str, ours: str) -> None:
    with pytest.raises(UserError) as told:
        find_backbone(theirs)
    near = told.value.problems[0].nearest
    if near:  # Whatever is offered is a name.
        find_backbone(near)
    if ours or "/" in theirs:
        assert near == ours
    if ours:
        find_backbone(ours)
