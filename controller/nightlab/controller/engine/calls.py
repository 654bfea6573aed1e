"""The one adapter between the Docker SDK and the rest: deadlines, and its errors turned into ours."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final, ParamSpec, TypeVar

import docker.errors
import requests.exceptions

from nightlab.controller.errors import EngineError, EngineMissing, ImageError

P = ParamSpec("P")
R = TypeVar("R")

API_TIMEOUT_S: Final = 10.0
CREATE_TIMEOUT_S: Final = 60.0
"""Creating copies an image's content into a new volume: 20,000 files took 2 to 21 s."""
CALL_THREADS: Final = 16


@contextmanager
def engine_errors(doing: str) -> Iterator[None]:
    """Turn errors of the Docker SDK into ours.

    Args:
        doing: What is being done to what, such as "create container nightlab-ab12-t3-a1".

    Raises:
        ImageError: The image does not exist.
        EngineMissing: The engine does not answer (any more), or not in time.
        EngineError: It refused.
    """
    try:
        yield
    except docker.errors.ImageNotFound as error:
        raise ImageError(f"{doing}: the engine has no such image: {_said(error)}; build it again") from error
    except docker.errors.APIError as error:
        raise EngineError(f"{doing}: the engine refused: {_said(error)}") from error
    except requests.exceptions.Timeout as error:
        raise EngineMissing(f"{doing}: the engine did not answer in time; see whether it is overloaded") from error
    except (docker.errors.DockerException, requests.exceptions.RequestException, OSError) as error:
        raise EngineMissing(f"{doing}: the engine does not answer ({error}); start it, then go on") from error


def _said(error: docker.errors.APIError) -> str:
    return str(error.explanation or error).strip()


class Calls:
    """Runs blocking calls on threads of its own, so that a wedged engine never blocks the event loop."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(CALL_THREADS, thread_name_prefix="engine")

    async def run(self, deadline_s: float, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a blocking function; its thread goes on when the deadline passes, its result is dropped.

        A caller that is cancelled gets its CancelledError when the function has ended, so that what it made can be
        found and removed. (`asyncio.wait_for` of Python 3.11 forgets a cancellation that meets a result.)

        Raises:
            EngineMissing: The deadline passed.
        """
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self._threads, lambda: function(*args, **kwargs))
        try:
            done, _ = await asyncio.wait({future}, timeout=deadline_s)
        except asyncio.CancelledError:
            await asyncio.wait({future}, timeout=deadline_s)
            if not future.cancel():
                future.exception()  # nobody else asks for it
            raise
        if not done:
            future.cancel()
            name = getattr(function, "__name__", "call").strip("_")
            raise EngineMissing(f"the engine did not finish {name} within {deadline_s:.0f} s")
        return future.result()

    def close(self) -> None:
        """Let the threads end; does not wait for a wedged one."""
        self._threads.shutdown(wait=False, cancel_futures=True)
