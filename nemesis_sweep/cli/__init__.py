"""The command line: a verb is one file, `cli/VERB.py` with its click command `command`, and one line here."""

from __future__ import annotations

import sys

from nemesis_sweep.spec.no_home import give_a_home
from nemesis_sweep.sweep.cluster.search_path import is_the_command, leave_current_folder_out

if is_the_command():
    leave_current_folder_out()
    give_a_home()

import gc
import importlib
from typing import IO, Any

import click

from nemesis_sweep.cli.output import print_every_letter, speak_utf8, stand_in_for_closed
from nemesis_sweep.cli.slips import meant_arguments
from nemesis_sweep.cli.system import INTERRUPTED, condition, refused
from nemesis_sweep.cli.tracebacks import hide_passwords
from nemesis_sweep.files.current_folder import leave_a_lost_folder
from nemesis_sweep.messages.errors import UserError, nearest
from nemesis_sweep.sweep.cluster.supervisor import conclude, supervise

# Verb and its line in `nemesis-sweep --help`; a verb's module is imported only when the verb is used.
VERBS: dict[str, str] = {
    "init": "Write a sweep file of your own from one that ships.",
    "run": "Run a sweep file, or continue it where it stopped.",
    "submit": "Run a sweep file as a job on a Ray cluster.",
    "plan": "Show the tasks, trials and baselines of a sweep file without running anything.",
    "validate": "Check a sweep file and report everything that is wrong with it.",
    "status": "Show how far a sweep is, from another terminal or afterwards.",
    "report": "Write a page, figures and tables of one sweep or several.",
    "replay": "Train a trial of a sweep again, and say whether its numbers are the same.",
    "classify": "Say what is in images, by the best prompt of a sweep or another one.",
    "export": "Write what a prompt gives its classes, for plain open_clip, MLflow or ONNX.",
    "words": "Tell the words that are nearest to the vectors of a prompt.",
    "corrupt": "Scale or replace every vector of a prompt in turn, and test it.",
    "stop": "Stop a running sweep; the same run command continues it.",
    "ui": "Serve the MLflow pages of a sweep on this machine.",
    "backbones": "List the vision-language models, or look into one of them.",
    "datasets": "List the datasets, check one on disk, or download one.",
    "cache": "List, check or prune the cache of image features.",
    "bench": "Measure the training step and the engine on this machine.",
}


WORDS = "nemesis_sweep.words"
"""Where a context keeps the words behind the verb."""


OBJECTS = 50_000
"""New objects before Python looks for garbage. By itself it looks after 700 (Python 3.11), over and over
again while torch is imported, of which all stays: a twelfth of the processor time of `classify`."""


class Refused(click.ClickException):
    """A `UserError` on its way to the terminal: its text on stderr, exit code 2."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"error: {self.message}", file=file or sys.stderr)


class Verbs(click.Group):
    """A group whose commands are the modules of this package, imported on use."""

    def main(self, *arguments: Any, **options: Any) -> Any:
        if not arguments and not options.get("args"):
            speak_utf8()
        stand_in_for_closed()
        print_every_letter()
        leave_a_lost_folder()
        if is_the_command():
            gc.set_threshold(OBJECTS)
            if sys.argv[1:2] == ["run"]:
                supervise()
        hide_passwords()
        try:
            return super().main(*arguments, **options)
        except OSError as error:
            if not (told := condition(error)):
                raise
            refused(told)
        finally:
            conclude()

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command: click.Command = importlib.import_module(f"{__name__}.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in VERBS and not args[0].startswith("-"):
            near = nearest(args[0], VERBS)
            hint = f" Did you mean {near!r}?" if near else ""
            ctx.fail(f"unknown command {args[0]!r}; allowed: {', '.join(VERBS)}.{hint}")
        ctx.meta[WORDS] = args[1:]
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except UserError as error:
            raise Refused(str(error)) from error
        except click.UsageError as error:
            if meant := meant_arguments(error, ctx.meta.get(WORDS, [])):
                # Without click's own guesses, which are options of this command.
                message = error.message.split(" (Did you")[0].split(" Did you")[0].rstrip(".")
                raise Refused(f"{message}. Did you mean {meant}?") from error
            raise
        except KeyboardInterrupt:
            click.echo("\nInterrupted.", err=True)
            ctx.exit(INTERRUPTED)


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="nemesis-sweep", prog_name="nemesis-sweep")
def main() -> None:
    """Hyperparameter sweeps for soft-prompt tuning of vision-language models."""
