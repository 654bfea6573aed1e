"""Measures what nightlab adds to bare Docker, with the parts that a study uses. Numbers for people; nothing here fails."""
