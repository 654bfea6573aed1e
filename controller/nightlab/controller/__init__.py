"""What runs on the host and is trusted: the study loop, policies, gate decisions, store, engines, CLI."""
