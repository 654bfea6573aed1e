"""Looks at a repo that knows nothing of nightlab and writes its nightlab.toml: `nightlab init`.

What is found in text (commands, metrics, seeds) is found by pure functions; the one sample run is `bench`'s.
"""
