"""The SDK for action plugins: a typed function, a docstring and the files it reads make a plugin."""
