import re

TOKEN = re.compile(r"[A-Za-z_]+|\d|\n[ ]*|[^\sA-Za-z_\d]")


def tokenize(text: str) -> list[str]:
    """Split source into names, digits, punctuation and line starts with their indentation."""
    return TOKEN.findall(text)
