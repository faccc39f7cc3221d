"""Every kind of prompt written the long way: one replicate, one image or prompt after the other, whole texts.

Each function takes the tensors of one replicate, gives logits ``(B, C)``, and has gradients.
"""

import math
from functools import lru_cache

import torch
import torch.nn.functional as F

from nemesis_sweep.data.templates import ENSEMBLE
from nemesis_sweep.prompts.prefix import own_pairs
from nemesis_sweep.vlm.text import encode_text


def texts_of(learner, context):
    """Text features ``(C, E)`` of one context ``(M, D)`` or ``(C, M, D)``, all tokens of every class."""
    return encode_text(learner.backbone.text, learner.layout, context[None], path="plain")[0]


def coop_logits(learner, values, images):
    return learner.backbone.logit_scale * images @ texts_of(learner, values["context"]).T


def cocoop_shifts(values, images):
    hidden = torch.relu(images @ values["hidden_weight"].T + values["hidden_bias"])
    return hidden @ values["shift_weight"].T + values["shift_bias"]


def cocoop_logits(learner, values, images):
    """One image after the other. factors: of the vectors, where one of them is scaled."""
    rows = []
    for image, shift in zip(images, cocoop_shifts(values, images), strict=True):
        context = (values["context"] + shift) * values.get("factors", torch.ones(1))[:, None]
        rows.append(learner.backbone.logit_scale * texts_of(learner, context) @ image)
    return torch.stack(rows)


def cocoop_norms(learner, values, images):
    if learner.method.penalise == "base":
        return values["context"].norm(dim=-1)
    return (values["context"] + cocoop_shifts(values, images).mean(dim=0)).norm(dim=-1)


def scaled_when_shifted(values, j, factor):
    factors = torch.ones(len(values["context"]), dtype=values["context"].dtype)
    factors[j] = factor
    return {**values, "factors": factors}


def plain_transport(cosines, rounds):
    """The plan of one image and one class, cosines ``(Q, N)``, as the published code has it."""
    kernel = torch.exp(-(1 - cosines.detach()) / 0.1)
    parts, prompts = kernel.shape
    r, c = torch.ones_like(kernel[:, 0]), torch.ones_like(kernel[0])
    for _ in range(rounds):
        r = (1 / parts) / (kernel @ c)
        c = (1 / prompts) / (kernel.T @ r)
    return r[:, None] * kernel * c[None]


def plot_logits(learner, values, images):
    """One prompt, one image and one class after the other."""
    texts = torch.stack([texts_of(learner, context) for context in values["context"]])  # (N, C, E)
    parts = images if learner.method.pooled_token else images[:, 1:]
    rows = []
    for image in parts:
        each = [image @ texts[:, c].T for c in range(texts.shape[1])]
        plans = [plain_transport(cosines, learner.method.transport_rounds) for cosines in each]
        rows.append(torch.stack([(plan * own).sum() for plan, own in zip(plans, each, strict=True)]))
    return learner.backbone.logit_scale * torch.stack(rows)


def plot_norms(learner, values, images):
    """Over prompts and classes the mean, or as published the sum."""
    norms = values["context"].norm(dim=-1).flatten(0, -2)
    return norms.mean(dim=0) if learner.method.reduction == "mean" else norms.sum(dim=0)


def no_term(learner, values, images):
    return 0.0


def template_features(learner):
    texts = [f"a picture of {name}, drawn." for name in learner.classnames]
    return learner.backbone.encode_texts(texts).to(next(iter(learner.values().values())))


def kgcoop_term(learner, values, images):
    texts, anchors = texts_of(learner, values["context"]), template_features(learner)
    cosines = [F.cosine_similarity(text, anchor, dim=0) for text, anchor in zip(texts, anchors, strict=True)]
    return learner.method.anchor_weight * (1 - sum(cosines) / len(cosines))


def context_norms(learner, values, images):
    """Norm of the vector at every position, ``(M,)``: over classes the mean."""
    vectors = values["context"]
    return torch.stack([vectors[..., j, :].norm(dim=-1).mean() for j in range(vectors.shape[-2])])


def scaled_context(values, j, factor):
    """The tensors with the vector at position j scaled."""
    context = values["context"].clone()
    context[..., j, :] *= factor
    return {**values, "context": context}


def deep_text_logits(learner, values, images):
    return learner.backbone.logit_scale * images @ deep_texts(learner, values).T


def deep_texts(learner, values):
    """One class after the other through the blocks, all tokens."""
    layout, tower = learner.layout, learner.backbone.text
    vectors = torch.cat([values["context"][None], values["deep"]])  # (J, M, D)
    texts = []
    for tokens, slots, length in zip(layout.tokens, layout.slots, layout.lengths, strict=True):
        x = tower.token_embedding(tokens).to(vectors.dtype)
        for number, block in enumerate(tower.blocks):
            if number < len(vectors):
                x = torch.stack(
                    [vectors[number, slot] if slot >= 0 else row for row, slot in zip(x, slots, strict=True)]
                )
            x = x + tower.positional_embedding if number == 0 else x
            x = block(x[None], attn_mask=tower.attn_mask.to(x.dtype))[0]
        feature = tower.project(tower.ln_final(x)[length - 1])
        texts.append(feature / feature.norm())
    return torch.stack(texts)


def deep_text_norms(learner, values, images):
    """Of each vector of each block, block after block."""
    return torch.cat([values["context"], values["deep"].flatten(0, 1)]).norm(dim=-1)


def scaled_in_its_block(values, j, factor):
    context, deep = values["context"].clone(), values["deep"].clone()
    block, place = divmod(j, len(context))
    if block:
        deep[block - 1, place] *= factor
    else:
        context[place] *= factor
    return {**values, "context": context, "deep": deep}


def lstm_states(values, layer, direction, rows):
    """Hidden states of an LSTM in one direction, one row after the other."""
    names = ("input_weight", "state_weight", "input_bias", "state_bias")
    w, u, b, a = (values[f"lstm.{layer}.{name}"][direction] for name in names)
    state = cell = torch.zeros(u.shape[1], dtype=u.dtype)
    states = []
    for row in rows:
        enters, keeps, candidate, leaves = (w @ row + b + u @ state + a).chunk(4)
        cell = torch.sigmoid(keeps) * cell + torch.sigmoid(enters) * torch.tanh(candidate)
        state = torch.sigmoid(leaves) * torch.tanh(cell)
        states.append(state)
    return torch.stack(states)


def produced(values):
    """P-tuning's context, scaled where one of its vectors is."""
    x = values["embedding"]
    for layer in range(2) if "lstm.0.input_weight" in values else ():
        back = lstm_states(values, layer, 1, x.flip(0)).flip(0)
        x = torch.cat([lstm_states(values, layer, 0, x), back], dim=1)
    for number in range(3):
        if f"layers.{number}.weight" in values:
            x = torch.relu(x) if number else x
            weight, bias = values[f"layers.{number}.weight"], values[f"layers.{number}.bias"]
            x = torch.stack([weight @ row + bias for row in x])
    return x * values.get("factors", torch.ones(1))[:, None]


def ptuning_logits(learner, values, images):
    return coop_logits(learner, {"context": produced(values)}, images)


def ptuning_norms(learner, values, images):
    return produced(values).norm(dim=-1)


def scaled_when_produced(values, j, factor):
    factors = torch.ones(len(values["embedding"]), dtype=values["embedding"].dtype)
    factors[j] = factor
    return {**values, "factors": factors}


def vpt_logits(learner, values, images):
    return (
        learner.backbone.logit_scale * seen(learner, values["visual"], images) @ template_features(learner).T
    )


def maple_logits(learner, values, images):
    """One block after the other: its vectors of the image tower."""
    blocks = [values["context"], *values["deep"]]
    layers = zip(blocks, values["projection"], values["projection_bias"], strict=True)
    visual = torch.stack([torch.stack([w @ row + b for row in block]) for block, w, b in layers])
    return learner.backbone.logit_scale * seen(learner, visual, images) @ deep_texts(learner, values).T


def promptsrc_logits(learner, values, images):
    return (
        learner.backbone.logit_scale * seen(learner, values["visual"], images) @ deep_texts(learner, values).T
    )


def promptsrc_term(learner, values, images):
    """One class, one image and one logit after the other."""
    method, scale = learner.method, learner.backbone.logit_scale
    if not any((method.text_weight, method.image_weight, method.logit_weight)):
        return 0.0
    texts, features = deep_texts(learner, values), seen(learner, values["visual"], images)
    with torch.no_grad():
        anchors = ensemble_features(learner)
        frozen = seen(learner, values["visual"][:, :0], images)
    of_texts = sum((t - a).abs().mean() for t, a in zip(texts, anchors, strict=True)) / len(texts)
    of_images = sum((f - g).abs().mean() for f, g in zip(features, frozen, strict=True)) / len(features)
    of_logits = 0.0
    for f, g in zip(features, frozen, strict=True):
        p, q = (scale * texts @ f).softmax(0), (scale * anchors @ g).softmax(0)
        of_logits = of_logits + sum(q * (q / p).log()) / p.numel() / len(features)
    return method.text_weight * of_texts + method.image_weight * of_images + method.logit_weight * of_logits


@lru_cache(maxsize=1)
def ensemble_features(learner):
    """One class after the other."""
    own = learner.method.anchor_template
    templates = [own] if own else ["a picture of {}, drawn.", *ENSEMBLE]
    means = []
    for name in learner.classnames:
        texts = [template.replace("{}", name) for template in templates]
        each = learner.backbone.encode_texts(texts, normalised=False)
        means.append(sum(each) / len(each))
    return torch.stack([mean / mean.norm() for mean in means]).to(learner.context)


def promptsrc_norms(learner, values, images):
    return torch.cat([deep_text_norms(learner, values, images), vpt_norms(learner, values, images)])


def scaled_in_its_tower(values, j, factor):
    of_texts = len(values["context"]) * (1 + len(values["deep"]))
    if j < of_texts:
        return scaled_in_its_block(values, j, factor)
    return scaled_among_all(values, j - of_texts, factor)


def seen(learner, vectors, images):
    """One image after the other through the tower's own blocks, all tokens of it."""
    tower = learner.backbone.visual
    blocks = list(tower.transformer.resblocks)
    last = learner.method.vision_last or len(blocks)
    features = []
    for image in images:
        tokens = tokens_of(learner, image)
        x = torch.cat([tokens, vectors[0]])
        x = tower.ln_pre(x) if last == len(blocks) else x
        for number, block in enumerate(blocks[-last:]):
            if 0 < number < len(vectors):
                x = torch.cat([x[: len(tokens)], vectors[number]])
            x = block(x[None])[0]
        feature = tower.ln_post(x[0]) @ tower.proj
        features.append(feature / feature.norm())
    return torch.stack(features)


def tokens_of(learner, image):
    """Tokens ``(Q, W)`` with their positions, of bytes ``(H, H, 3)``; themselves where they were kept."""
    if image.ndim == 2:
        return image
    tower, words = learner.backbone.visual, learner.backbone.preprocess
    mean, std = (torch.tensor(each, dtype=image.dtype) for each in (words.mean, words.std))
    given = (image / 255 - mean) / std
    patches = tower.conv1(given.permute(2, 0, 1)[None])[0].flatten(1).T
    return torch.cat([tower.class_embedding[None], patches]) + tower.positional_embedding


def vpt_norms(learner, values, images):
    """Of each vector of each block, block after block."""
    return values["visual"].flatten(0, 1).norm(dim=-1)


def scaled_among_all(values, j, factor):
    visual = values["visual"].clone()
    visual[divmod(j, visual.shape[1])] *= factor
    return {**values, "visual": visual}


def norms_of_patches(learner, images):
    """One image after the other: the mean norm of its patches before each block, without any vectors."""
    tower = learner.backbone.visual
    blocks = list(tower.transformer.resblocks)
    last = learner.method.vision_last or len(blocks)
    norms = [[] for _ in range(last)]
    for image in images:
        x = tokens_of(learner, image)
        for number, block in enumerate(blocks[-last:]):
            norms[number] += [float(row.norm()) for row in x[1:]]
            x = tower.ln_pre(x) if number == 0 and last == len(blocks) else x
            x = block(x[None])[0]
    return [sum(each) / len(each) for each in norms]


def prefix_logits(learner, values, images):
    """One class after the other through the blocks, one head after the other, all tokens."""
    layout, tower = learner.layout, learner.backbone.text
    pairs = prefix_pairs(learner, values)
    texts = []
    for tokens, length in zip(layout.tokens, layout.lengths, strict=True):
        x = (tower.token_embedding(tokens) + tower.positional_embedding).to(pairs[0][0].dtype)
        for number, block in enumerate(tower.blocks):
            none = x[:0]
            x = prefixed_block(block, x, *(pairs[number] if number < len(pairs) else (none, none)))
        feature = tower.project(tower.ln_final(x)[length - 1])
        texts.append(feature / feature.norm())
    return learner.backbone.logit_scale * images @ torch.stack(texts).T


def prefix_pairs(learner, values):
    """Keys and values ``(M, D)`` of each block; those of a network scaled where one of them is."""
    if "embedding" not in values:
        return list(zip(values["prefix_keys"], values["prefix_values"], strict=True))
    start, pairs = own_pairs(learner.backbone, learner.method), []
    rows = [torch.tanh(values["inner.weight"] @ row + values["inner.bias"]) for row in values["embedding"]]
    made = torch.stack([values["outer.weight"] @ row + values["outer.bias"] for row in rows])
    count, width = values["embedding"].shape
    factors = values.get("factors", torch.ones(len(start) * count)).view(len(start), count, 1)
    for number, (keys, others) in enumerate(start):
        at = 2 * width * number
        keys, others = keys + made[:, at : at + width], others + made[:, at + width : at + 2 * width]
        pairs.append((keys * factors[number], others * factors[number]))
    return pairs


def prefixed_block(block, x, keys, values):
    """Every token sees all keys (M, D) of the prefix, and of the tokens itself and those before it."""
    rows = F.linear(block.ln_1(x), block.attn.in_proj_weight, block.attn.in_proj_bias)
    later = torch.ones(len(x), len(x), dtype=torch.bool).triu(1)
    hidden = torch.cat([torch.zeros(len(x), len(keys), dtype=torch.bool), later], dim=1)
    heads = []
    for head in range(block.attn.num_heads):
        size = x.shape[1] // block.attn.num_heads
        own = slice(head * size, (head + 1) * size)
        q, k, v = (part[:, own] for part in rows.chunk(3, dim=1))
        scores = q @ torch.cat([keys[:, own], k]).T / math.sqrt(size)
        heads.append(scores.masked_fill(hidden, -math.inf).softmax(dim=1) @ torch.cat([values[:, own], v]))
    x = x + block.attn.out_proj(torch.cat(heads, dim=1))
    return x + block.mlp(block.ln_2(x))


def prefix_norms(learner, values, images):
    """Of each key and its value together, block after block."""
    pairs = prefix_pairs(learner, values)
    return torch.cat([keys.norm(dim=-1) + own.norm(dim=-1) for keys, own in pairs])


def scaled_pair(values, j, factor):
    if "embedding" in values:
        blocks = len(values["outer.bias"]) // (2 * values["embedding"].shape[1])
        factors = torch.ones(blocks * len(values["embedding"]), dtype=values["embedding"].dtype)
        factors[j] = factor
        return {**values, "factors": factors}
    scaled = {name: value.clone() for name, value in values.items()}
    for value in scaled.values():
        value.view(-1, value.shape[-1])[j] *= factor
    return scaled


def tcp_vectors(learner, values):
    """One class after the other: what the network makes of its feature, ``(C, M, D)``."""
    found = []
    for feature in template_features(learner):
        hidden = values["inner_weight"] @ feature + values["inner_bias"]
        hidden = hidden / (1 + torch.exp(-1.702 * hidden))
        made = values["outer_weight"] @ hidden + values["outer_bias"]
        found.append(made.view(values["context"].shape))
    return torch.stack(found)


def tcp_texts(learner, values):
    """One class after the other through the blocks, all tokens."""
    layout, tower = learner.layout, learner.backbone.text
    block = learner.method.class_block or 2 * tower.layers // 3
    own, texts = tcp_vectors(learner, values), []
    for tokens, slots, length, vectors in zip(layout.tokens, layout.slots, layout.lengths, own, strict=True):
        x = tower.token_embedding(tokens).to(own.dtype)
        x = in_slots(values["context"], slots, x) + tower.positional_embedding
        for number, layer in enumerate(tower.blocks):
            x = in_slots(vectors, slots, x) if number == block else x
            x = layer(x[None], attn_mask=tower.attn_mask.to(x.dtype))[0]
        feature = tower.project(tower.ln_final(x)[length - 1])
        texts.append(feature / feature.norm())
    return torch.stack(texts)


def in_slots(vectors, slots, rows):
    return torch.stack([vectors[slot] if slot >= 0 else row for slot, row in zip(slots, rows, strict=True)])


def tcp_logits(learner, values, images):
    return learner.backbone.logit_scale * images @ tcp_texts(learner, values).T


def tcp_term(learner, values, images):
    pairs = zip(tcp_texts(learner, values), template_features(learner), strict=True)
    cosines = [F.cosine_similarity(text, anchor, dim=0) for text, anchor in pairs]
    return learner.method.anchor_weight * (1 - sum(cosines) / len(cosines))


PLAIN = {
    "coop": (coop_logits, no_term, context_norms, scaled_context),
    "kgcoop": (coop_logits, kgcoop_term, context_norms, scaled_context),
    "cocoop": (cocoop_logits, no_term, cocoop_norms, scaled_when_shifted),
    "plot": (plot_logits, no_term, plot_norms, scaled_context),
    "deep_text": (deep_text_logits, no_term, deep_text_norms, scaled_in_its_block),
    "ptuning": (ptuning_logits, no_term, ptuning_norms, scaled_when_produced),
    "vpt": (vpt_logits, no_term, vpt_norms, scaled_among_all),
    "prefix": (prefix_logits, no_term, prefix_norms, scaled_pair),
    "maple": (maple_logits, no_term, deep_text_norms, scaled_in_its_block),
    "promptsrc": (promptsrc_logits, promptsrc_term, promptsrc_norms, scaled_in_its_tower),
    "tcp": (tcp_logits, tcp_term, context_norms, scaled_context),
}
"""Per kind: logits, its own term of the loss, norms of the penalised vectors, and one vector scaled."""


def typical_norms(learner, count, first):
    """Of all words, then one block after the other of each class's text."""
    dtype = next(iter(learner.values().values())).dtype
    patches = []
    if learner.method.prompt in ("vpt", "promptsrc"):
        blocks = norms_of_patches(learner, first)[: learner.visual.shape[1]]
        patches = [number for number in blocks for _ in range(learner.method.n_ctx_vision)]
    if learner.method.prompt == "vpt":
        return torch.tensor(patches, dtype=dtype)
    tower, tokenizer = learner.backbone.text, learner.backbone.tokenizer
    if learner.method.prompt == "prefix":
        return typical_pairs(learner)
    blocks = [float(tower.token_embedding.weight.norm(dim=-1).mean())]
    norms = [[] for _ in tower.blocks]
    for name in learner.classnames:
        ids = tokenizer([f"a picture of {name}, drawn."])[0]
        x = tower.token_embedding(ids) + tower.positional_embedding
        for number, block in enumerate(tower.blocks):
            norms[number] += [float(row.norm()) for row in x[1 : int(ids.argmax())]]
            x = block(x[None], attn_mask=tower.attn_mask.to(x.dtype))[0]
    blocks += [sum(each) / len(each) for each in norms[1:]]
    each = [number for number in blocks for _ in range(learner.layout.n_ctx)]
    return torch.tensor(each[: count - len(patches)] + patches, dtype=dtype)


def typical_pairs(learner):
    """Mean norm of the keys plus that of the values, block after block of each class's text."""
    tower, (_, blocks, length, width) = learner.backbone.text, learner.prefix_keys.shape
    keys, values = ([[] for _ in range(blocks)] for _ in range(2))
    for name in learner.classnames:
        ids = learner.backbone.tokenizer([f"a picture of {name}, drawn."])[0]
        x = tower.token_embedding(ids) + tower.positional_embedding
        for number, block in enumerate(tower.blocks[:blocks]):
            rows = F.linear(block.ln_1(x), block.attn.in_proj_weight, block.attn.in_proj_bias)
            for row in rows[1 : int(ids.argmax())]:
                keys[number].append(float(row[width : 2 * width].norm()))
                values[number].append(float(row[2 * width :].norm()))
            x = block(x[None], attn_mask=tower.attn_mask.to(x.dtype))[0]
    found = [sum(k) / len(k) + sum(v) / len(v) for k, v in zip(keys, values, strict=True)]
    return torch.tensor(found, dtype=learner.prefix_keys.dtype).repeat_interleave(length)


def plain_step(learner, values, images, labels, epoch, positions, first):
    """Loss, selected positions and gradients by name of one replicate, after the published code.

    first: the images of its first batch.
    """
    method = learner.method
    logits_of, term_of, norms_of, scaled = PLAIN[method.prompt]
    values = {name: value.detach().clone().requires_grad_() for name, value in values.items()}

    def correct(own):
        with torch.no_grad():
            return int((logits_of(learner, own, images).argmax(dim=1) == labels).sum())

    logits = logits_of(learner, values, images)
    chosen = []
    if method.beta < 1 and method.omega:
        before = int((logits.argmax(dim=1) == labels).sum())
        with torch.no_grad():
            chosen = [j for j in positions if correct(scaled(values, j, method.corruption)) > before]
    norms = norms_of(learner, values, images)
    if method.norm == "relative":
        norms = norms / typical_norms(learner, len(norms), first)
    pun = method.omega * norms.mean()
    pan = method.omega * sum(norms[j] for j in chosen) / max(1, len(chosen))
    weight = 1 - 1 / (1 + math.exp(-0.2 * (epoch - method.epochs / 2)))
    fitted = F.cross_entropy(logits, labels) + term_of(learner, values, images)
    penalty = weight * (method.beta * pun + (1 - method.beta) * pan)
    if method.prograd:
        gradients = projected_gradients(learner, values, images, logits, fitted, penalty)
    else:
        gradients = torch.autograd.grad(fitted + penalty, list(values.values()))
    return (fitted + penalty).detach(), chosen, dict(zip(values, gradients, strict=True))


def projected_gradients(learner, values, images, logits, fitted, penalty):
    """ProGrad: the gradient without what in it raises the distance from zero-shot classification."""
    zero_shot = learner.backbone.logit_scale * images @ template_features(learner).T
    distance = 0.0
    for own, given in zip(logits, zero_shot, strict=True):
        distance = distance - (given.softmax(0) * own.log_softmax(0)).sum() / len(images)
    own = {"retain_graph": True}
    (h,) = torch.autograd.grad(distance, values["context"], **own)
    (g,) = torch.autograd.grad(fitted, values["context"], **own)
    against = float((g * h).sum())
    if against < 0:
        g = g - learner.method.prograd * against * h / float((h * h).sum())
    (p,) = torch.autograd.grad(penalty, values["context"], allow_unused=True)
    return [g if p is None else g + p]
