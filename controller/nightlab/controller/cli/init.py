"""`nightlab init`: write a nightlab.toml for a repo."""


def init() -> None:
    """Write."""
