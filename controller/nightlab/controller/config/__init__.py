"""The config: its schema, and how it is read from nightlab.toml, environment and command line, and written."""
