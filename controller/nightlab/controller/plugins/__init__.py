"""Plugins of others: where they come from, what they were granted, and the containers that they run in."""
