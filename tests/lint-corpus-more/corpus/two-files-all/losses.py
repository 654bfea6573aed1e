class Nothing:
    def __eq__(self, other):
        return other is None

    __hash__ = None


kind = (lambda x: x).__name__
def both(x):
    y = Nothing()
    return y
