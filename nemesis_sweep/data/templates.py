"""Sentences for class names that belong to no dataset."""

OWN: tuple[str, ...] = ()
"""None beside the dataset's own."""
ENSEMBLE = (
    "itap of a {}.",
    "a bad photo of the {}.",
    "a origami {}.",
    "a photo of the large {}.",
    "a {} in a video game.",
    "art of the {}.",
    "a photo of the small {}.",
)
"""The seven templates that CLIP's authors found to be nearly as good as their eighty on ImageNet."""
