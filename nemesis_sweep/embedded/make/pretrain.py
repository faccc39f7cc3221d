"""Pretrain the embedded CLIP on the pool that ``captions`` gathered.

``OMP_NUM_THREADS=1 python -m nemesis_sweep.embedded.make.pretrain WORK RUN [--until HH:MM] [--steps N] ...``

Symmetric InfoNCE, AdamW, cosine schedule, an exponential moving average of the weights.  One thread: two
threads under contention ran up to 20 times slower.  Writes ``RUN/checkpoint.safetensors`` every few minutes
(weights, average, optimiser moments; atomic) and resumes from it; ``RUN/log.jsonl`` is the log.  The same
seed draws the same batches: each step has a generator of its own.  Stops above ``--memory`` GB,
or at ``--until``.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from open_clip.model import CLIP
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from nemesis_sweep.embedded.make.augment import SIDE
from nemesis_sweep.embedded.make.pool import Pool


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


def encode_captions(model: CLIP, tokens: Tensor, prefix: Tensor | None = None) -> Tensor:
    """Captions (B, L) of compact ids, L at most 77, to features (B, E), L2-normalised.

    prefix (M, D): vectors that stand between the start token and every caption, as a learnt prompt will.
    """
    states, places = model.token_embedding(tokens), tokens.argmax(-1)
    if prefix is not None:
        states = torch.cat([states[:, :1], prefix.expand(len(tokens), -1, -1), states[:, 1:]], 1)
        places = places + len(prefix)
    length = states.shape[1]
    states = states + model.positional_embedding[:length]
    states = model.ln_final(model.transformer(states, attn_mask=model.attn_mask[:length, :length]))
    pooled = states[torch.arange(len(tokens)), places]
    return F.normalize(pooled @ model.text_projection, dim=-1)


class Run:
    """Model, average and optimiser, and their checkpoint."""

    def __init__(self, args: argparse.Namespace, pool: Pool) -> None:
        torch.manual_seed(args.seed)
        self.args, self.step = args, 0
        self.model = CLIP(**model_config(args.width, args.text_layers, len(pool.ids)))
        self.model.visual.to(memory_format=torch.channels_last)
        torch.nn.init.normal_(self.model.token_embedding.weight, std=0.02)
        decay = [p for p in self.model.parameters() if p.ndim >= 2]
        plain = [p for p in self.model.parameters() if p.ndim < 2]
        groups = [
            {"params": decay, "weight_decay": args.weight_decay},
            {"params": plain, "weight_decay": 0.0},
        ]
        self.optimiser = torch.optim.AdamW(groups, lr=args.lr, betas=(0.9, 0.98), eps=1e-6, fused=True)
        self.average = {k: v.detach().clone() for k, v in self.state().items()}
        self.path = args.run / "checkpoint.safetensors"
        self.ids = pool.ids

    def state(self) -> dict[str, Tensor]:
        return {k: v for k, v in self.model.state_dict().items() if v.is_floating_point()}

    def begin_from(self, checkpoint: Path) -> None:
        """Take the averaged weights of another run; all else begins anew."""
        with safe_open(checkpoint, "pt") as file:
            self.average = {k: file.get_tensor(f"average.{k}") for k in self.state()}
        self.model.load_state_dict(self.average, strict=False)

    def freeze_images(self) -> None:
        """Train the text tower only."""
        self.model.visual.requires_grad_(False).eval()

    def prefix(self) -> Tensor | None:
        """For a share of the steps, random vectors as a prompt begins with: names are read behind them."""
        rng = np.random.default_rng((self.args.seed, self.step, 1))
        if rng.random() >= self.args.prefix:
            return None
        count, size = int(rng.choice((4, 8, 16))), 0.02 * rng.choice((1.0, 1.0, 2.0))
        width = self.model.positional_embedding.shape[1]
        return torch.from_numpy(rng.normal(0, size, (count, width)).astype(np.float32))

    def save(self) -> None:
        tensors = {f"weights.{k}": v for k, v in self.state().items()}
        tensors |= {f"average.{k}": v for k, v in self.average.items()}
        for name, parameter in self.model.named_parameters():
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
            kept = set(file.keys())
            for name, parameter in self.model.named_parameters():
                if f"exp_avg.{name}" not in kept:
                    continue
                moments = {m: file.get_tensor(f"{m}.{name}") for m in ("exp_avg", "exp_avg_sq")}
                self.optimiser.state[parameter] = {"step": torch.tensor(float(self.step)), **moments}

    def learning_rate(self, steps: int) -> float:
        warm = min(1.0, (self.step + 1) / self.args.warmup)
        done = min(1.0, self.step / steps)
        return self.args.lr * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done)))

    def train_step(self, pixels: Tensor, tokens: Tensor, steps: int) -> tuple[float, float]:
        """One step of symmetric InfoNCE; returns loss and accuracy within the batch."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.learning_rate(steps)
        pixels = pixels.contiguous(memory_format=torch.channels_last)
        # bfloat16 halves the image tower's time on CPUs with AMX and doubles the text tower's: only images.
        with torch.autocast("cpu", torch.bfloat16, enabled=self.args.bf16):
            images = self.model.visual(pixels)
        images = F.normalize(images.float(), dim=-1)
        logits = self.model.logit_scale.exp() * images @ encode_captions(self.model, tokens, self.prefix()).T
        targets = torch.arange(len(logits))
        smoothing = self.args.smoothing
        loss = F.cross_entropy(logits, targets, label_smoothing=smoothing)
        loss = (loss + F.cross_entropy(logits.T, targets, label_smoothing=smoothing)) / 2
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        with torch.no_grad():
            self.model.logit_scale.clamp_(0, math.log(100))
            decay = min(self.args.average, (self.step + 1) / (self.step + 10))
            torch._foreach_lerp_(list(self.average.values()), list(self.state().values()), 1 - decay)
        self.step += 1
        return loss.item(), (logits.argmax(1) == targets).float().mean().item()


def seconds_until(clock: str) -> float:
    """Seconds from now to the next HH:MM of today (UTC); negative when it has passed."""
    hour, minute = map(int, clock.split(":"))
    now = time.gmtime()
    return (hour - now.tm_hour) * 3600.0 + (minute - now.tm_min) * 60 - now.tm_sec


def train(run: Run, pool: Pool) -> None:
    """Train until the steps, the time or the memory is spent; ``--until`` fits the schedule to the clock."""
    args, began, first = run.args, time.time(), run.step
    left = seconds_until(args.until) if args.until else math.inf
    saved, losses, accuracies = time.time(), [], []
    steps = args.steps
    while run.step < steps:
        loss, accuracy = run.train_step(*pool.batch(run.step, args.batch), steps)
        losses.append(loss)
        accuracies.append(accuracy)
        spent, done = time.time() - began, run.step - first
        if done % 50 == 0:
            if left < math.inf:  # what the clock still allows, so that the cosine ends with it
                steps = run.step + max(0, int((left - spent) / (spent / done)))
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
            record = {
                "step": run.step,
                "steps": steps,
                "loss": np.mean(losses),
                "accuracy": np.mean(accuracies),
            }
            record |= {"scale": run.model.logit_scale.exp().item(), "seconds": spent, "memory_gb": memory}
            with (args.run / "log.jsonl").open("a") as log:
                log.write(json.dumps({k: round(float(v), 4) for k, v in record.items()}) + "\n")
            losses, accuracies = [], []
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
    parser.add_argument("--text-layers", type=int, default=4)
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
    parser.add_argument("--init", type=Path, help="checkpoint of another run whose weights to begin with")
    parser.add_argument("--text-only", action="store_true", help="keep the image tower as it is")
    parser.add_argument("--prefix", type=float, default=0.0, help="share of steps with random vectors first")
    parser.add_argument(
        "--without",
        type=Path,
        nargs="+",
        default=[],
        help="Parquet files whose train and val pictures are left out",
    )
    parser.add_argument("--bf16", action="store_true", help="the image tower's forward in bfloat16")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.run.mkdir(parents=True, exist_ok=True)
    earlier = next((p for p in (args.run / "checkpoint.safetensors", args.init) if p and p.exists()), None)
    pool = Pool(args.work, args.seed, earlier, args.without)
    run = Run(args, pool)
    if run.path.exists():
        run.resume()
    elif earlier:
        run.begin_from(earlier)
    if args.text_only:
        run.freeze_images()
    print(
        f"{len(pool.entries)} pictures, {len(pool.ids)} tokens, "
        f"{sum(p.numel() for p in run.model.parameters())} weights"
    )
    train(run, pool)


if __name__ == "__main__":
    main()
