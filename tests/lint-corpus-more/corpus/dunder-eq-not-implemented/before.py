class Tag:
    def __eq__(self, other):
        return NotImplemented if not isinstance(other, Tag) else True

    __hash__ = None


print("result:", "same" if Tag().__eq__("x") is NotImplemented else "other")
