"""A process that decodes images, both of its ends. It ends when the one that it works for does.

A process of our own and not torch's DataLoader: this one needs neither torch nor the program that encodes, so
it is there in a fifth of a second with 30 MB, where importing torch takes seconds and 600 MB for each; and a
script that calls `fit` needs no `if __name__ == "__main__"`. Nothing is forked: encoding may be one of
many threads.

A request is a line of JSON and the bytes of images that are not files; an answer is such a line and pixels.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import numpy as np

from nemesis_sweep.data.dataset import Item
from nemesis_sweep.data.decoding.here import Decoded, decode_here
from nemesis_sweep.data.decoding.images import UnusableError, cannot_read
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.vlm.preprocess import Preprocess

COMMAND = (sys.executable, "-P", "-m", "nemesis_sweep.data.decoding.process")
PACKAGE = Path(__file__).parents[3]
PATIENCE = 5.0
"""Seconds that a process gets to end by itself."""


class DecoderGoneError(Exception):
    """The process ended in the middle of its work, such as by the system for lack of memory."""


class Decoder:
    """One process that decodes. It does one thing at a time."""

    def __init__(self, preprocess: Preprocess) -> None:
        self._preprocess = asdict(preprocess)
        self._shape = (preprocess.image_size, preprocess.image_size, 3)
        paths = [str(PACKAGE), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
        # A group of its own, so that Ctrl-C reaches only who asks, and that one decides.
        self.process = subprocess.Popen(
            COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, process_group=0
        )

    def decode(self, items: Sequence[Item], views: Sequence[int]) -> Decoded:
        """Decode items there. Raises ``DecoderGoneError``, after which this can only be closed."""
        asked: list[dict[str, Any]] = []
        contents: list[bytes] = []
        unread: dict[int, UnusableError] = {}
        for place, item in enumerate(items):
            if item.path is not None and item.content is None:
                asked.append({"place": place, "path": str(item.path.absolute())})
                continue
            try:
                contents.append(item.read())
            except OSError as error:
                unread[place] = cannot_read(error)
                continue
            asked.append({"place": place, "bytes": len(contents[-1])})
        request = {"preprocess": self._preprocess, "views": list(views), "items": asked}
        decoded = self._ask(request, contents)
        unusable = {asked[place]["place"]: error for place, error in decoded.unusable.items()}
        return Decoded(decoded.pixels, {**unread, **unusable})

    def _ask(self, request: dict[str, Any], contents: list[bytes]) -> Decoded:
        source, sink = self.process.stdout, self.process.stdin
        assert source and sink
        try:
            _send(sink, request, *contents)
            answer = json.loads(source.readline())
            pixels = np.empty((answer["count"], len(request["views"]), *self._shape), dtype=np.uint8)
            _fill(source, pixels)
        except (OSError, ValueError, EOFError) as error:
            raise DecoderGoneError(self._end()) from error
        unusable = {place: UnusableError(kind, reason) for place, kind, reason in answer["unusable"]}
        return Decoded(pixels, unusable)

    def _end(self) -> str:
        try:
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            return "an answer that makes no sense"
        return f"signal {-code} ({signal.Signals(-code).name})" if code < 0 else f"exit code {code}"

    def close(self) -> None:
        """End the process and wait for it."""
        assert self.process.stdin and self.process.stdout
        self.process.stdout.close()
        with suppress(OSError):  # It is gone already.
            self.process.stdin.close()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class DecoderPool:
    """Decoders, one for each thread. One that is killed is replaced, and its images are decoded again."""

    def __init__(self, preprocess: Preprocess) -> None:
        self._preprocess = preprocess
        self._lock = threading.Lock()
        self._idle: list[Decoder] = []
        self.decoders: list[Decoder] = []

    def _take(self, new: bool) -> Decoder:
        """A decoder that has nothing to do; a new one where all are at work, or where it is asked for."""
        with self._lock:
            if new or not self._idle:
                self.decoders.append(Decoder(self._preprocess))
                return self.decoders[-1]
            return self._idle.pop()

    def decode(self, items: Sequence[Item], views: Sequence[int]) -> Decoded:
        """Decode items in whichever process is free. Raises ``UserError`` when two were lost over them."""
        ends: list[str] = []
        while len(ends) < 2:
            # A new one after a loss: others that are idle may have been killed with it.
            decoder = self._take(new=bool(ends))
            try:
                decoded = decoder.decode(items, views)
            except DecoderGoneError as gone:
                ends.append(str(gone))
                decoder.close()
                with self._lock:
                    self.decoders.remove(decoder)
            else:
                with self._lock:
                    self._idle.append(decoder)
                return decoded
        raise UserError(
            Problem(
                f"two processes were lost that decoded this image or the {len(items) - 1} after it",
                file=items[0].source,
                found=" and ".join(ends),
                allowed="more memory; or decoding in threads, with NEMESIS_SWEEP_DECODE=threads",
            )
        )

    def close(self) -> None:
        """End all processes."""
        for decoder in self.decoders:
            decoder.close()


def _send(sink: IO[bytes], header: dict[str, Any], *blocks: Any) -> None:
    sink.write(json.dumps(header).encode() + b"\n")
    for block in blocks:
        sink.write(block)
    sink.flush()


def _fill(source: IO[bytes], array: np.ndarray) -> None:
    """Read an array's bytes. Raises ``EOFError`` when there are fewer."""
    rest = array.reshape(-1).data
    while len(rest):
        count = source.readinto(rest)  # type: ignore[attr-defined]
        if not count:
            raise EOFError
        rest = rest[count:]


def _item(asked: dict[str, Any], source: IO[bytes]) -> Item:
    if "path" in asked:
        return Item(0, asked["path"], path=Path(asked["path"]))
    return Item(0, "", content=source.read(asked["bytes"]))


def _work(source: IO[bytes], sink: IO[bytes]) -> None:
    """Answer until nothing more is asked."""
    while line := source.readline():
        request = json.loads(line)
        items = [_item(asked, source) for asked in request["items"]]
        decoded = decode_here(items, request["views"], Preprocess(**request["preprocess"]))
        unusable = [(place, error.kind, error.reason) for place, error in decoded.unusable.items()]
        answer = {"count": len(decoded.pixels), "unusable": unusable}
        _send(sink, answer, np.ascontiguousarray(decoded.pixels).data)


if __name__ == "__main__":
    # Whatever a codec prints, in Python or in C, must not come between the pixels.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        _work(sys.stdin.buffer, answers)
    except BrokenPipeError:
        os._exit(0)  # Nobody waits for the answer.
