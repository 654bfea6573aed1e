"""Every error that a caller can act on.

NightlabError
├── ConfigError            nightlab.toml, an argument or an environment variable is wrong
├── RepoError              the user's repo cannot be read as a base tree
├── EngineError            the Docker engine said no
│   ├── EngineMissing      none answers
│   ├── EngineRefused      one answers that nightlab does not use (remote, Docker Desktop)
│   ├── PostureError       a container is not what the hardening policy asked for
│   └── ImageError         a build or an image is unusable
├── LinkError              the sandbox cannot be reached or broke the protocol
│   ├── SandboxLost        it is gone; the attempt is lost, not the agent's fault
│   └── CommandFailed      it could not do what was asked
├── PluginError            a plugin crashed, hung or answered nonsense
├── ExplainFailed          the worker that reads code of the repo crashed, hung or answered nonsense
├── GateRejected           the gate keeps a tree from being launched
├── EditRefused            an author edits what the config protects, or what no tree can hold
├── StoreError             the state directory is locked, damaged or of another version
├── OnboardingFailed       `nightlab init` could not find what a config needs
└── StudyStopped           the study ends early for a stated reason (a baseline that cannot run, ...)
"""

from __future__ import annotations


class NightlabError(Exception):
    """Base of all. The text says what happened, to what, and what to do next.

    Attributes:
        code: Stable and machine-readable, shown by `--json`.
        hint: The remedy, if it is not in the text.
    """

    code = "error"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class ConfigError(NightlabError):
    """A setting is wrong. Nothing has started."""

    code = "config"


class RepoError(NightlabError):
    """The repo cannot be taken as a base tree."""

    code = "repo"


class EngineError(NightlabError):
    """The Docker engine refused or failed."""

    code = "engine"


class EngineMissing(EngineError):
    """No engine answers."""

    code = "engine_missing"


class EngineRefused(EngineError):
    """An engine answers that nightlab does not use."""

    code = "engine_refused"


class PostureError(EngineError):
    """A created container differs from the hardening policy; it was removed unstarted."""

    code = "posture"


class ImageError(EngineError):
    """An image cannot be built or used."""

    code = "image"


class LinkError(NightlabError):
    """The link to a sandbox failed."""

    code = "link"


class SandboxLost(LinkError):
    """The sandbox is gone: killed from outside, its engine stopped, or silent for too long."""

    code = "sandbox_lost"


class CommandFailed(LinkError):
    """The supervisor answered that it could not do a command.

    Attributes:
        failure: Name of the FailureCode, without its prefix: "NO_SPACE", "LIMIT", ...
    """

    code = "command_failed"

    def __init__(self, message: str, *, failure: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.failure = failure


class PluginError(NightlabError):
    """A plugin crashed, hung, or broke its contract."""

    code = "plugin"


class ExplainFailed(NightlabError):
    """The worker that reads code of the repo broke a call. Nothing was launched or lost by it."""

    code = "explain"


class GateRejected(NightlabError):
    """A tree may not be launched."""

    code = "gate"


class EditRefused(NightlabError):
    """An author may not make an edit; nothing was written."""

    code = "edit_refused"


class StoreError(NightlabError):
    """The state directory cannot be used."""

    code = "store"


class OnboardingFailed(NightlabError):
    """Something that a config needs was not found in a repo; the text says where it was looked for."""

    code = "onboarding"


class StudyStopped(NightlabError):
    """The study ended before its budget, for a reason that a person must see."""

    code = "stopped"
