"""Who changed something, by making the change again with known tools; and the fixes that the user wants, on a copy."""
