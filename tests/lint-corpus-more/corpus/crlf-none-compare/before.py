class Any:
    def __eq__(self, other):
        return True

    __hash__ = None


print('result:', Any() == None)
