"""Everything between the last edit and the launch: lint, seal, verify."""
