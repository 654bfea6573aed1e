"""Measures what nightlab adds to bare Docker, with the parts that a study uses. Nothing here fails."""
