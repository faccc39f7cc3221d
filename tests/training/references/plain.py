"""Every reference written the long way: one replicate, one image after the other. Gives logits ``(B, C)``."""

import math

import torch


def unit(vector):
    return vector / vector.norm()


def tip_logits(images, values, texts, scale):
    """values: keys ``(n, E)``, labels ``(n,)``, alpha, beta."""
    rows = []
    for image in images:
        row = [scale * (image * text).sum() for text in texts]
        for key, label in zip(values["keys"], values["labels"].tolist(), strict=True):
            closeness = (image * key).sum()
            row[label] = row[label] + values["alpha"] * torch.exp(-values["beta"] * (1 - closeness))
        rows.append(torch.stack(row))
    return torch.stack(rows)


def clip_adapter_logits(images, values, texts, scale):
    """values: down ``(h, E)``, up ``(E, h)``, ratio. texts: normalised."""
    rows = []
    for image in images:
        outer = torch.relu(values["up"] @ torch.relu(values["down"] @ image))
        mixed = unit(values["ratio"] * outer + (1 - values["ratio"]) * image)
        rows.append(torch.stack([scale * (mixed * text).sum() for text in texts]))
    return torch.stack(rows)


def taskres_logits(images, values, texts, scale):
    """values: residual ``(C, E)``, alpha. texts: as long as the tower gives them."""
    rows = []
    for image in images:
        moved = [
            unit(text + values["alpha"] * own) for text, own in zip(texts, values["residual"], strict=True)
        ]
        rows.append(torch.stack([scale * (image * text).sum() for text in moved]))
    return torch.stack(rows)


def lp_plus_plus_logits(images, values, texts):
    """values: weight ``(C, E)``, bias and alpha ``(C,)``."""
    classes = list(zip(values["weight"], values["alpha"], values["bias"], texts, strict=True))
    return torch.stack(
        [
            torch.stack(
                [(image * (weight + alpha * text)).sum() + bias for weight, alpha, bias, text in classes]
            )
            for image in images
        ]
    )


def cross_entropy(logits, labels):
    rows = zip(logits, labels.tolist(), strict=True)
    return torch.stack([torch.logsumexp(row, dim=0) - row[label] for row, label in rows]).mean()


def score(logits, labels):
    """What is compared: a higher accuracy is better, then a lower loss."""
    accuracy = sum(int(row.argmax()) == label for row, label in zip(logits, labels.tolist(), strict=True))
    loss = float(cross_entropy(logits, labels))
    return (accuracy, -loss) if math.isfinite(loss) else (-1, -math.inf)
