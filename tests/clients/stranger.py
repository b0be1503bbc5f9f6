"""Runs one client library in a process of its own: ``python -m tests.clients.stranger`` with a `Task` as JSON on standard input.

A process of its own, because the libraries leave threads, sockets and event loops behind, read the TLS settings when they are imported, and
keep tokens at home. Standard output is a `Seen` as JSON and nothing else.
"""

import importlib
import os
import sys
import tempfile
import traceback
from pathlib import Path

import msgspec

from tests.clients.addresses import KIS_REST, KIS_STREAM, LS, listen_with_tls, redirect
from tests.clients.seen import Seen, Task


def main() -> None:
    """Lead the brokers' names here, then do what the library's module does."""
    answer = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what the libraries print
    task = msgspec.json.decode(sys.stdin.buffer.read(), type=Task)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HOME"] = folder
        certificate, (kis, ls) = listen_with_tls(Path(folder), (task.kis_port, task.ls_port))
        redirect(dict.fromkeys(KIS_REST, kis) | dict.fromkeys(KIS_STREAM, task.kis_port) | dict.fromkeys(LS, ls), certificate)
        try:
            seen: Seen = importlib.import_module(f"tests.clients.strangers.{task.client}").trade(task.account)
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
        os.write(answer, msgspec.json.encode(seen))
        os._exit(0)  # before the libraries' threads and destructors miss what they need


if __name__ == "__main__":
    main()
