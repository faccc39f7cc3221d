"""Pretrain the embedded CLIP on the pool that ``captions`` gathered.

``OMP_NUM_THREADS=1 python -m nemesis_sweep.embedded.make.pretrain WORK RUN [--until HH:MM] [--steps N] ...``

Symmetric InfoNCE over what the captions say (pictures with the same caption are each other's positives),
AdamW, cosine schedule, an exponential moving average of the weights. One thread: two threads under
contention ran up to 20 times slower. Writes ``RUN/checkpoint.safetensors`` every few minutes (weights,
average, optimiser moments; atomic) and resumes from it; ``RUN/log.jsonl`` is the log. The same seed draws
the same batches: each step has a generator of its own. Stops above ``--memory`` GB, or at ``--until``.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from open_clip.model import CLIP
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from nemesis_sweep.embedded.make.augment import SIDE
from nemesis_sweep.embedded.make.encoding import encode_captions
from nemesis_sweep.embedded.make.pool import COUNTS, Batch, Pool, TaskBatch
from nemesis_sweep.embedded.make.sentences import DOMAINS
from nemesis_sweep.embedded.make.tuning import tune
from nemesis_sweep.embedded.make.vocabulary import rows_in_both


def model_config(width: int, text_layers: int, vocabulary: int) -> dict[str, Any]:
    """open_clip's configuration of the embedded CLIP."""
    return {
        "embed_dim": 128,
        "vision_cfg": {"image_size": SIDE, "layers": [1, 1, 1, 1], "width": width, "patch_size": None},
        "text_cfg": {
            "context_length": 77,
            "vocab_size": vocabulary,
            "width": 128,
            "heads": 4,
            "layers": text_layers,
        },
    }


def same_caption(captions: Tensor) -> Tensor:
    """Targets (B, B), rows sum to 1: captions (B, L) that say the same share what is due."""
    same = (captions[:, None] == captions[None]).all(-1).float()
    return same / same.sum(1, keepdim=True)


class Run:
    """Model, average and optimiser, and their checkpoint."""

    def __init__(self, args: argparse.Namespace, pool: Pool) -> None:
        torch.manual_seed(args.seed)
        self.args, self.step = args, 0
        self.model = CLIP(**model_config(args.width, args.text_layers, len(pool.ids)))
        self.model.visual.to(memory_format=torch.channels_last)
        torch.nn.init.normal_(self.model.token_embedding.weight, std=0.02)
        # Prompts learnt with the model and not kept: one for each domain, and for names and kinds.
        width = self.model.positional_embedding.shape[1]
        self.prompts = torch.nn.Parameter(0.02 * torch.randn(2 * (len(DOMAINS) + 1), max(COUNTS), width))
        decay = [p for p in self.model.parameters() if p.ndim >= 2]
        plain = [p for p in self.model.parameters() if p.ndim < 2] + [self.prompts]
        groups = [
            {"params": decay, "weight_decay": args.weight_decay},
            {"params": plain, "weight_decay": 0.0},
        ]
        self.optimiser = torch.optim.AdamW(groups, lr=args.lr, betas=(0.9, 0.98), eps=1e-6, fused=True)
        self.average = {k: v.detach().clone() for k, v in self.state().items()}
        self.path = args.run / "checkpoint.safetensors"
        self.remembered = torch.zeros(len(pool.entries), self.model.text_projection.shape[1])
        self.ids, self.start = pool.ids, pool.compact[pool.start]
        self.images = torch.compile(self.model.visual) if args.compile else self.model.visual

    def state(self) -> dict[str, Tensor]:
        return {k: v for k, v in self.model.state_dict().items() if v.is_floating_point()}

    def begin_from(self, released: Path) -> None:
        """Take the weights that ``export`` wrote; text layers beyond its own begin as the identity."""
        found = load_file(released)
        state = self.model.state_dict()
        new, old = rows_in_both(self.ids, found.pop("token_embedding.ids"))
        table = state["token_embedding.weight"].clone()
        table[new] = found["token_embedding.weight"][old].float()
        state |= {k: v.float() for k, v in found.items()} | {"token_embedding.weight": table}
        state["logit_scale"] = torch.tensor(self.args.scale).log()  # export has set another
        for name in state.keys() - found.keys():
            if "resblocks" in name and ("out_proj" in name or "c_proj" in name):
                state[name] = torch.zeros_like(state[name])
        self.model.load_state_dict(state)
        self.average = {k: v.detach().clone() for k, v in self.state().items()}

    def beginning(self, batch: Batch) -> Tensor:
        """What every caption begins with, embedded: start token, vectors if any, words (P, D)."""
        embed = self.model.token_embedding
        parts = [embed(torch.tensor([self.start])), embed(batch.before)]
        if batch.vectors is not None:
            parts.insert(1, torch.from_numpy(batch.vectors))
        elif batch.prompt is not None:
            parts.insert(1, self.prompts[batch.prompt, : batch.count])
        return torch.cat(parts)

    def named_parameters(self) -> list[tuple[str, torch.nn.Parameter]]:
        return [*self.model.named_parameters(), ("prompts", self.prompts)]

    def save(self) -> None:
        tensors = {f"weights.{k}": v for k, v in self.state().items()}
        tensors |= {f"average.{k}": v for k, v in self.average.items()}
        tensors["weights.prompts"] = self.prompts.detach()
        for name, parameter in self.named_parameters():
            moments = self.optimiser.state.get(parameter, {})
            tensors |= {f"{m}.{name}": moments[m] for m in ("exp_avg", "exp_avg_sq") if m in moments}
        tensors["token_ids"] = torch.from_numpy(self.ids)
        temporary = self.path.with_suffix(".tmp")
        metadata = {"step": str(self.step), "width": str(self.args.width)}
        metadata["text_layers"] = str(self.args.text_layers)
        save_file({k: v.contiguous() for k, v in tensors.items()}, temporary, metadata)
        temporary.replace(self.path)

    def resume(self) -> None:
        with safe_open(self.path, "pt") as file:
            self.step = int(file.metadata()["step"])
            state = {k: file.get_tensor(f"weights.{k}") for k in self.state()}
            self.model.load_state_dict(state, strict=False)
            self.average = {k: file.get_tensor(f"average.{k}") for k in state}
            self.prompts.data.copy_(file.get_tensor("weights.prompts"))
            kept = set(file.keys())
            for name, parameter in self.named_parameters():
                if f"exp_avg.{name}" not in kept:
                    continue
                moments = {m: file.get_tensor(f"{m}.{name}") for m in ("exp_avg", "exp_avg_sq")}
                self.optimiser.state[parameter] = {"step": torch.tensor(float(self.step)), **moments}

    def learning_rate(self, steps: int) -> float:
        warm = min(1.0, (self.step + 1) / self.args.warmup)
        done = min(1.0, self.step / steps)
        return self.args.lr * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done)))

    def image_features(self, pixels: Tensor, rows: Tensor) -> Tensor:
        """Features (B, E), L2-normalised, of pixels (B, 3, 48, 48); remembered as those of pool rows (B,)."""
        pixels = pixels.contiguous(memory_format=torch.channels_last)
        # bfloat16 halves the image tower's time and lengthens the text tower's: only images.
        with torch.autocast("cpu", torch.bfloat16, enabled=self.args.bf16):
            images = self.images(pixels)
        images = F.normalize(images.float(), dim=-1)
        self.remembered[rows] = images.detach()
        return images

    def remember(self, pool: Pool) -> None:
        """Fill ``remembered``, the features that prompts are tuned on; steps keep it up to date."""
        with torch.no_grad():
            for rows, pixels in pool.every_picture(self.args.batch):
                self.image_features(pixels, rows)

    def train_step(self, batch: Batch, steps: int) -> dict[str, float]:
        """One step of symmetric InfoNCE; returns loss and accuracy within the batch."""
        images = self.image_features(batch.pixels, batch.rows)
        texts = encode_captions(self.model, self.beginning(batch), batch.captions)
        logits = self.model.logit_scale.exp() * images @ texts.T
        targets = same_caption(batch.captions)
        smoothing = self.args.smoothing
        loss = F.cross_entropy(logits, targets, label_smoothing=smoothing)
        loss = (loss + F.cross_entropy(logits.T, targets, label_smoothing=smoothing)) / 2
        self.descend(loss, steps)
        hit = targets.gather(1, logits.argmax(1, keepdim=True)) > 0
        return {"loss": loss.item(), "accuracy": hit.float().mean().item()}

    def task_step(self, task: TaskBatch, steps: int) -> dict[str, float]:
        """One step of the text tower on a task: its classes in a sentence, and behind vectors that are
        tuned on it."""
        images, labels = self.remembered[task.rows], task.labels
        embed = self.model.token_embedding
        start = embed(torch.tensor([self.start]))

        def encode(context: Tensor) -> Tensor:
            return encode_captions(self.model, torch.cat([start, context]), task.bare)

        support, query = (self.remembered[task.support], task.support_labels), (images, labels)
        tuned = tune(encode, task.vectors, support, query, task.first_steps)
        if task.renamed:  # no words but a tuned prompt's can be right
            self.descend(tuned.loss, steps)
            return {"renamed": tuned.before, "renamed_tuned": tuned.after}
        texts = encode_captions(self.model, torch.cat([start, embed(task.before)]), task.captions)
        logits = self.model.logit_scale.exp() * images @ texts.T
        told = F.cross_entropy(logits, labels)
        self.descend(told + tuned.loss, steps)
        hit = (logits.argmax(1) == labels).float().mean().item()
        return {"task_loss": told.item(), "told": hit, "untuned": tuned.before, "tuned": tuned.after}

    def descend(self, loss: Tensor, steps: int) -> None:
        """One step of the optimiser and of the average."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.learning_rate(steps)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        with torch.no_grad():
            self.model.logit_scale.clamp_(0, math.log(100))
            decay = min(self.args.average, (self.step + 1) / (self.step + 10))
            torch._foreach_lerp_(list(self.average.values()), list(self.state().values()), 1 - decay)
        self.step += 1


def seconds_until(clock: str) -> float:
    """Seconds from now to the next HH:MM of today (UTC); negative when it has passed."""
    hour, minute = map(int, clock.split(":"))
    now = time.gmtime()
    return (hour - now.tm_hour) * 3600.0 + (minute - now.tm_min) * 60 - now.tm_sec


def train(run: Run, pool: Pool) -> None:
    """Train until the steps, the time or the memory is spent; ``--until`` fits the schedule to the clock."""
    args, began, first = run.args, time.time(), run.step
    left = seconds_until(args.until) if args.until else math.inf
    saved, seen = time.time(), defaultdict(list)
    steps = args.steps
    while run.step < steps:
        width = run.prompts.shape[-1]
        if pool.is_task(run.step, args.tasks):
            found = run.task_step(pool.task(run.step, width), steps)
        else:
            found = run.train_step(pool.batch(run.step, args.batch, width), steps)
        for name, value in found.items():
            seen[name].append(value)
        spent, done = time.time() - began, run.step - first
        if done % 50 == 0:
            if left < math.inf:  # what the clock still allows, so that the cosine ends with it
                steps = run.step + max(0, int((left - spent) / (spent / done)))
            # macOS counts bytes.
            unit = 1e9 if sys.platform == "darwin" else 1e6
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
            record = {"step": run.step, "steps": steps} | {k: np.mean(v) for k, v in seen.items()}
            record |= {"scale": run.model.logit_scale.exp().item(), "seconds": spent, "memory_gb": memory}
            with (args.run / "log.jsonl").open("a", encoding="utf-8") as log:
                log.write(json.dumps({k: round(float(v), 4) for k, v in record.items()}) + "\n")
            seen.clear()
            if memory > args.memory:
                print(f"stopped: {memory:.1f} GB of memory")
                break
        if time.time() - saved > args.save_every:
            run.save()
            saved = time.time()
        if spent > left:
            break
    run.save()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--width", type=int, default=24)
    parser.add_argument("--text-layers", type=int, default=6)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--steps", type=int, default=7000)
    parser.add_argument("--until", default="", help="HH:MM UTC: the cosine ends then, whatever --steps says")
    parser.add_argument("--lr", type=float, default=1.5e-3)
    parser.add_argument("--warmup", type=int, default=200)
    parser.add_argument("--weight-decay", type=float, default=0.1)
    parser.add_argument("--smoothing", type=float, default=0.0)
    parser.add_argument("--average", type=float, default=0.998)
    parser.add_argument("--memory", type=float, default=4.0, help="GB resident above which to stop")
    parser.add_argument("--save-every", type=float, default=180.0, help="seconds")
    parser.add_argument("--init", type=Path, help="weights that export wrote, to begin with")
    parser.add_argument("--scale", type=float, default=25.0, help="of the logits, to begin with after --init")
    parser.add_argument("--tasks", type=float, default=0.0, help="share of the steps that tune a prompt")
    parser.add_argument("--compile", action="store_true", help="compile the image tower: twice as fast here")
    parser.add_argument("--bf16", action="store_true", help="the image tower's forward in bfloat16")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.run.mkdir(parents=True, exist_ok=True)
    known = None
    if (args.run / "checkpoint.safetensors").exists():
        with safe_open(args.run / "checkpoint.safetensors", "np") as file:
            known = file.get_tensor("token_ids")
    pool = Pool(args.work, args.seed, known)
    run = Run(args, pool)
    if known is not None:
        run.resume()
    elif args.init:
        run.begin_from(args.init)
    print(
        f"{len(pool.entries)} pictures, {len(pool.ids)} tokens, "
        f"{sum(p.numel() for p in run.model.parameters())} weights"
    )
    if args.tasks:
        run.remember(pool)
    train(run, pool)


if __name__ == "__main__":
    main()
