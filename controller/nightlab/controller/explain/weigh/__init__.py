"""Second looks at what ruff found, and a few rules of nightlab's own: pure functions over sources, for the worker."""
