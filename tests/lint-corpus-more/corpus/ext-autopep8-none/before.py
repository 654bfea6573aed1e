class Missing:
    def __eq__(self, other):
        return other is None

    __hash__ = None


x=Missing( )
print("result:", x == None)
