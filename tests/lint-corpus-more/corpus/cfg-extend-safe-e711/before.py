class Missing:
    def __eq__(self, other):
        return other is None

    __hash__ = None


print("result:", Missing() == None)
