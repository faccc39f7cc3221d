"""`nemesis-sweep words`: the words of the vocabulary that lie nearest to what was learnt."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from nemesis_sweep.cli.prompt_option import learnt, prompt_argument, task
from nemesis_sweep.messages.aligned import aligned
from nemesis_sweep.messages.printable import printable

if TYPE_CHECKING:
    from nemesis_sweep.training.nearest_words import NearestWords, VectorWords


@click.command("words")
@prompt_argument
@task
@click.option("--seed", type=int, help="One of the prompt's seeds; by default all of them.")
@click.option("--top", default=5, show_default=True, type=click.IntRange(1), help="Words of each vector.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, with cosines, instead of a table.")
def command(prompt: str | None, task: str, seed: int | None, top: int, as_json: bool) -> None:
    """Tell the words that are nearest to the context vectors of a prompt, with Euclidean distances.

    By default of the newest sweep's best; else of a sweep's HOME, the FOLDER of a prompt, or a RUN of MLflow.

    Where distances are about as large as the vector's norm, no word is near. `</w>` behind a token ends a
    word, in the vocabulary of CLIP.

    Vectors before later blocks, in the image tower and in the attention have no words, and are named.
    """
    with learnt(prompt, task) as (found, about):
        from nemesis_sweep.training.nearest_words import nearest_words

        words = nearest_words(found, seed=seed, top=top)
    if as_json:
        click.echo(json.dumps({"prompt": about, **words.to_json()}, indent=2, allow_nan=False))
        return
    click.echo(f"By {printable(about)}", err=True)
    click.echo(
        f"{words.kind} on {printable(words.backbone)}: {words.vocabulary} tokens, whose embeddings have "
        f"the mean norm {words.embedding_norm:.3f}"
    )
    _print(words)
    for other in words.others:
        click.echo(f"{other.tensor} {other.shape} has no words: {other.holds}")


def _print(words: NearestWords) -> None:
    rows = [["seed", "vector", "norm", "nearest words and their distances"]]
    rows += [
        [str(each.seed), _name(each), f"{each.norm:.3f}", "  ".join(_told(each)) or "not finite"]
        for each in words.vectors
    ]
    for line in aligned(rows, text=(1, 3)):
        click.echo(line)


def _told(vector: VectorWords) -> list[str]:
    return [f"{printable(word.token)} {word.distance:.3f}" for word in vector.words]


def _name(vector: VectorWords) -> str:
    of = [printable(vector.classname)] if vector.classname else []
    of += [] if vector.prompt is None else [f"prompt {vector.prompt}"]
    return ", ".join([*of, str(vector.position)])
