"""Images that nightlab makes: the base images, the toolbox, and the user's own by their Dockerfile."""

from nightlab.controller.images.base import BASE_TAG, PYTHON_TAG, ensure_base, ensure_named_bases, ensure_python_base
from nightlab.controller.images.build import build_image
from nightlab.controller.images.toolbox import Toolbox, ensure_toolbox

__all__ = [
    "BASE_TAG",
    "PYTHON_TAG",
    "Toolbox",
    "build_image",
    "ensure_base",
    "ensure_named_bases",
    "ensure_python_base",
    "ensure_toolbox",
]
