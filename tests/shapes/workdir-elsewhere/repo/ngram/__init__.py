from .model import Interpolated
from .tokens import tokenize

__all__ = ["Interpolated", "tokenize"]
