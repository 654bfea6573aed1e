"""Serves the plugin where NIGHTLAB_PLUGIN_SOCKET says: `python -m warm_start`, for a debugger or an image."""

from nightlab.sdk import serve
from warm_start import PLUGIN

serve(PLUGIN)
