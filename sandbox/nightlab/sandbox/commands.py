"""Answers commands: each once, however often it is sent; each off the event loop when it touches the disk."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol

from nightlab.api.sandbox.v1 import sandbox_pb2 as pb
from nightlab.sandbox import log
from nightlab.sandbox.errors import LinkBroken, failure_of, over_limit

Handler = Callable[[str, Any], Awaitable[Any]]

ANSWERS_KEPT: Final = 512
ANSWER_BYTES_KEPT: Final = 8 * 1024 * 1024
AT_ONCE: Final = 64


class Reply(Protocol):
    """Sends a result to the host that is there now."""

    def __call__(self, result: pb.CommandResult) -> None:
        """Queue it; must not block."""


class Commands:
    """Runs commands and remembers their answers.

    Attributes:
        reply: Where results go; None while there is no host. A result that finds none waits for the repeated command.
    """

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self.reply: Reply | None = None
        self._handlers = handlers
        self._answers: dict[str, pb.CommandResult] = {}
        self._answer_bytes = 0
        self._running: dict[str, asyncio.Task[None]] = {}

    def accept(self, command: pb.Command) -> None:
        """Start a command; one that is running goes on, one that was answered is answered again."""
        known = self._answers.get(command.command_id)
        if known is not None:
            self._send(known)
        elif command.command_id not in self._running:
            if len(self._running) >= AT_ONCE:
                self._answer(pb.CommandResult(failure=failure_of(over_limit(f"{AT_ONCE} commands run"))), command)
                return
            self._running[command.command_id] = asyncio.get_running_loop().create_task(self._run(command))

    async def _run(self, command: pb.Command) -> None:
        name = command.WhichOneof("command") or ""
        try:
            handler = self._handlers.get(name)
            if handler is None:
                raise NotImplementedError("this supervisor does not know the command")
            result = pb.CommandResult(**{name: await handler(command.command_id, getattr(command, name))})
        except LinkBroken as broken:
            log.event("command.interrupted", command=name, while_=str(broken))
            return  # no answer: the host repeats it
        except Exception as error:  # whatever it is, the host must hear of it
            log.event("command.failed", command=name, error=f"{type(error).__name__}: {error}"[:500])
            result = pb.CommandResult(failure=failure_of(error))
        finally:
            self._running.pop(command.command_id, None)
        self._answer(result, command)

    def _answer(self, result: pb.CommandResult, command: pb.Command) -> None:
        result.command_id = command.command_id
        self._answers[command.command_id] = result
        self._answer_bytes += result.ByteSize()
        while len(self._answers) > ANSWERS_KEPT or (self._answer_bytes > ANSWER_BYTES_KEPT and len(self._answers) > 1):
            self._answer_bytes -= self._answers.pop(next(iter(self._answers))).ByteSize()
        self._send(result)

    def _send(self, result: pb.CommandResult) -> None:
        if self.reply is not None:
            self.reply(result)
