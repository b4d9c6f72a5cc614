"""A process that hashes passwords, run as a script by `passwords`: it shares nothing with the worker.

Not a thread of the worker: one of low priority would hold the interpreter's lock while it waits for a
core, and the event loop with it. It reads lines of JSON, `["hash", password]` or `["check", hash,
password]`, and answers each with one: the hash, or whether it fits. It ends with its standard input.
"""

import json
import os
import signal
import sys

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

NICENESS = 19
"""The lowest priority there is (setpriority(2))."""


def main() -> None:
    """Hash until the worker is gone; the arguments are memory in KiB, and passes."""
    give_way()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # The terminal's; the worker ends by itself.
    memory, passes = map(int, sys.argv[1:3])
    hasher = PasswordHasher(time_cost=passes, memory_cost=memory, parallelism=1)
    for line in sys.stdin.buffer:
        verb, *texts = json.loads(line)
        answer = hasher.hash(texts[0]) if verb == "hash" else fits(hasher, *texts)
        sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
        sys.stdout.buffer.flush()


def give_way() -> None:
    """Run when nothing else wants to: a thread that wakes up takes the core at once (sched(7))."""
    os.nice(NICENESS)
    if hasattr(os, "SCHED_IDLE"):  # Linux; elsewhere the priority has to do.
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def fits(hasher: PasswordHasher, hashed: str, password: str) -> bool:
    """Return whether a hash is the password's."""
    try:
        return hasher.verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False


if __name__ == "__main__":
    main()
