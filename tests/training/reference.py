"""CoOp with Nemesis written the long way: one replicate, whole prompts, a forward pass for every question."""

import math

import torch
import torch.nn.functional as F

from nemesis_sweep.training.generators import seeded
from nemesis_sweep.vlm.text import encode_text


class PlainNemesis:
    """One replicate after the published code: three passes of 77 tokens for PAN, torch's own SGD."""

    def __init__(self, backbone, classnames, method, context, seed=0):
        self.backbone, self.method = backbone, method
        self.layout = backbone.layout(classnames, method.n_ctx, method.class_position)
        self.context = torch.nn.Parameter(context.clone())
        self.noise = seeded(seed, "noise")
        self.sgd = torch.optim.SGD(
            [self.context], lr=1.0, momentum=method.momentum, weight_decay=method.weight_decay
        )

    def logits(self, context, images):
        texts = encode_text(self.backbone.text, self.layout, context[None], path="plain")[0]
        return self.backbone.logit_scale * images @ texts.T

    def correct(self, context, images, labels):
        return int((self.logits(context, images).argmax(1) == labels).sum())

    def selected(self, images, labels, positions):
        """Positions whose vector, corrupted, gives strictly more correct answers on this batch."""
        shape = (len(positions), *self.context.shape[:-2], self.context.shape[-1])
        noise = iter(torch.randn(shape, generator=self.noise))
        with torch.no_grad():
            before = self.correct(self.context, images, labels)
            chosen = []
            for j in positions:
                corrupted = self.context.clone()
                if self.method.corrupt_by == "replace":
                    corrupted[..., j, :] = self.method.corruption * next(noise)
                else:
                    corrupted[..., j, :] *= self.method.corruption
                if self.correct(corrupted, images, labels) > before:
                    chosen.append(j)
        return chosen

    def step(self, images, labels, epoch, positions):
        m = self.method
        lr = 1e-5 if epoch == 0 else m.lr / 2 * (1 + math.cos(math.pi * (epoch - 1) / m.epochs))
        self.sgd.param_groups[0]["lr"] = lr
        chosen = self.selected(images, labels, positions) if m.beta < 1 else []
        norms = [self.context[..., j, :].norm(dim=-1).mean() for j in range(m.n_ctx)]
        pun = m.omega * sum(norms) / m.n_ctx
        pan = m.omega * sum(norms[j] for j in chosen) / max(1, len(chosen))
        weight = 1 - 1 / (1 + math.exp(-0.2 * (epoch - m.epochs / 2)))
        loss = F.cross_entropy(self.logits(self.context, images), labels)
        loss = loss + weight * (m.beta * pun + (1 - m.beta) * pan)
        self.sgd.zero_grad()
        loss.backward()
        self.sgd.step()
        return float(loss.detach()), chosen
