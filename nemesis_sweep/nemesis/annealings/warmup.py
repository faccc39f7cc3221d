"""Up, then down: no penalty while the prompt is still random, none when it is nearly learnt."""

from nemesis_sweep.nemesis.annealings.cosine import cosine


def warmup(epoch: int, epochs: int, rise: float, end: float) -> float:
    """Rises in a line to 1 over the share ``rise`` of the epochs, then falls to ``end`` as ``cosine``."""
    rising = round(rise * epochs)
    if epoch < rising:
        return (epoch + 1) / (rising + 1)
    return cosine(epoch - rising, epochs - rising, end)
