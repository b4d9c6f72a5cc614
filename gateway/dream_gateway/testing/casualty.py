"""A process that uses a ledger and dies: `python -m dream_gateway.testing.casualty URL NAME`."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys

from dream_gateway.testing.durability import use


async def main(url: str, name: str) -> None:
    """Use the ledger, tell what it answered, and die at once."""
    answers = await use(url, name)
    sys.stdout.write(json.dumps(answers))
    sys.stdout.flush()
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
