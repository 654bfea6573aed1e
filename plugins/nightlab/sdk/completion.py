"""How an action asks the host's language model: it raises `Ask`, and is called again with the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from nightlab.sdk.observe import LimitExceeded

RESUME_BYTES: Final = 64 << 10


@dataclass(frozen=True, slots=True)
class Completion:
    """The model's answer.

    Attributes:
        text: What it wrote; untrusted, and not bound to follow the asked schema.
        resume: What `Ask` gave to be handed back.
    """

    text: str
    resume: bytes = b""


class Ask(Exception):
    """Raised by an action with `asks=True` that needs the model; the next call has the answer in `Context.completion`.

    Attributes:
        prompt: The whole question; the model sees nothing else.
        max_output_tokens: At most so many are generated; the user grants so many a night.
        response_schema: JSON Schema of the wanted answer; None: free text.
        resume: Handed back with the answer, at most 64 KiB; the call itself starts anew.
    """

    def __init__(
        self,
        prompt: str,
        *,
        max_output_tokens: int = 1024,
        response_schema: Mapping[str, Any] | None = None,
        resume: bytes = b"",
    ) -> None:
        super().__init__("the action asks the host's model")
        if not prompt.strip() or max_output_tokens < 1:
            raise ValueError("Ask needs a prompt that is not empty and max_output_tokens of at least 1")
        if len(resume) > RESUME_BYTES:
            raise LimitExceeded(f"resume of Ask is {len(resume)} bytes; at most {RESUME_BYTES}")
        self.prompt = prompt
        self.max_output_tokens = max_output_tokens
        self.response_schema = response_schema
        self.resume = resume
