"""Asks the study's language model for a plugin that answered needs_completion, within the tokens it was granted."""

from __future__ import annotations

from typing import Final

from nightlab.api.plugin.v1 import plugin_pb2 as pb
from nightlab.controller.actions.hosted import Completer, Hosted
from nightlab.controller.errors import NightlabError

ROUNDS: Final = 4
RESUME_BYTES: Final = 64 * 1024


class Completing:
    """Applies an action with as many questions to the model as it may ask."""

    def __init__(self, completer: Completer | None) -> None:
        """Begin a night.

        Args:
            completer: Asks the model; None: the study has none.
        """
        self._completer = completer
        self._spent: dict[str, int] = {}

    async def apply(self, hosted: Hosted, request: pb.ApplyActionRequest) -> pb.ApplyActionResponse:
        """Return the plugin's last answer; never one that needs a completion.

        Raises:
            PluginError: The plugin broke.
        """
        for _ in range(ROUNDS):
            response = await hosted.worker.apply(request)
            if response.WhichOneof("result") != "needs_completion":
                return response
            asked = response.needs_completion
            refusal = self._refusal(hosted, asked)
            if refusal or self._completer is None:
                return _rejected(refusal)
            try:
                text = await self._completer(hosted.name, asked)
            except NightlabError as error:
                return _rejected(f"the language model did not answer {hosted.name}: {error}")
            request.completion.CopyFrom(pb.Completion(text=text, resume=asked.resume))
        return _rejected(f"plugin {hosted.name} asked the language model {ROUNDS} times and made no edit")

    def _refusal(self, hosted: Hosted, asked: pb.CompletionRequest) -> str:
        if self._completer is None:
            return f"plugin {hosted.name} asks for a language model, and this study has none"
        if len(asked.resume) > RESUME_BYTES:
            return f"plugin {hosted.name} wants more than {RESUME_BYTES} bytes handed back with a completion"
        granted = hosted.grant.completion_tokens if hosted.grant else 0
        left = granted - self._spent.get(hosted.name, 0)
        if not 0 < asked.max_output_tokens <= left:
            setting = f"{hosted.grant.setting if hosted.grant else f'plugins.{hosted.name}'}.completion_tokens"
            return f"plugin {hosted.name} asks for {asked.max_output_tokens} tokens; {setting} leaves {max(left, 0)}"
        self._spent[hosted.name] = self._spent.get(hosted.name, 0) + asked.max_output_tokens
        return ""


def _rejected(summary: str) -> pb.ApplyActionResponse:
    told = pb.Diagnostic(severity=pb.SEVERITY_ERROR, summary=summary)
    return pb.ApplyActionResponse(rejection=pb.Rejection(diagnostics=[told]))
