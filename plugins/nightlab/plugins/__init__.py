"""The built-in action plugins."""
