"""Runs a server for as long as somebody holds the other end of standard input: `python keeper.py COMMAND...`

Whoever started it may be killed with -9, and can then end nothing any more. The kernel closes its end of the
pipe, and the server ends with it, with everything that it has started: they are one process group.
"""

import os
import signal
import subprocess
import sys
import threading
import time

SECONDS = 5.0
"""What the server is given to end by itself."""


def keep(command: list[str]) -> int:
    """Run a command until it ends or standard input is closed; its exit code."""
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)
    # For its own group, which it ends, and not for itself.
    signal.signal(signal.SIGTERM, lambda number, frame: None)
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    ending = threading.Event()
    thread = threading.Thread(target=_end_with_the_pipe, args=(server, ending), daemon=True)
    thread.start()
    code = server.wait()
    if ending.is_set():
        thread.join()  # It does not come back: what the server has started may not listen to it.
    return code


def _end_with_the_pipe(server: subprocess.Popen, ending: threading.Event) -> None:
    while os.read(0, 4096):
        pass
    ending.set()
    os.killpg(0, signal.SIGTERM)
    deadline = time.monotonic() + SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(keep(sys.argv[1:]))
