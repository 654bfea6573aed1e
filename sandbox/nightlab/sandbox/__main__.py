"""`python -m nightlab.sandbox`: the entry point of a container. All paths have defaults; there are no secrets."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Final

SOCKET: Final = "/nightlab/link/link.sock"
USAGE: Final = "usage: python -m nightlab.sandbox [--socket PATH] [--exec-helper PATH]\n"


def main(arguments: list[str]) -> int:
    """Run the supervisor until it ends.

    Args:
        arguments: Without the program's name. No argument parser is imported: it costs memory for two options.

    Returns:
        The exit status; 2 for a wrong usage.
    """
    from nightlab.sandbox.spawn import EXEC_HELPER

    options = {"--socket": SOCKET, "--exec-helper": EXEC_HELPER}
    if len(arguments) % 2 or any(name not in options for name in arguments[::2]):
        sys.stderr.write(USAGE)
        return 2
    options.update(zip(arguments[::2], arguments[1::2], strict=True))
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")  # nothing here forks; its handlers would run at every spawn
    os.umask(0o022)
    return asyncio.run(_serve(options["--socket"], options["--exec-helper"]))


async def _serve(socket: str, helper: str) -> int:
    from nightlab.sandbox.supervisor import Supervisor

    return await Supervisor(socket, helper=helper).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
