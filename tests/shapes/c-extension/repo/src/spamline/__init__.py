"""Tell prose from code, quickly."""
