"""A plugin in an image: sets the momentum of a config."""

from typing import Annotated

from nightlab.sdk import Edits, Float, Plugin, action, serve


@action(reads=["config.yaml"])
def set_momentum(ws: Edits, momentum: Annotated[float, Float(0.1, 0.9)] = 0.5) -> str:
    """Let each step keep this share of the one before it."""
    ws.sub("config.yaml", r"(?m)^momentum:.*$", f"momentum: {momentum:.3g}")
    return f"momentum {momentum:.3g}"


if __name__ == "__main__":
    serve(Plugin("momentum", "2.1", (set_momentum,)))
