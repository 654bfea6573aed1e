"""The machine that nightlab runs on: its packages and its container engine."""
