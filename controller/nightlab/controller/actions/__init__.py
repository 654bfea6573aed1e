"""Action plugins as the host sees them: which are enabled, what they offer for a tree, which edits they make."""

from nightlab.controller.actions.host import ActionHost
from nightlab.controller.actions.model import AppliedEdits, Note, OfferedAction

__all__ = ["ActionHost", "AppliedEdits", "Note", "OfferedAction"]
