"""The command line: parses, calls one function of the controller, renders. Imports what a command needs inside it."""

from nightlab.controller.cli.app import main

__all__ = ["main"]
