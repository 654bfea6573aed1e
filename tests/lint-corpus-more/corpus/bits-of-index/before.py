class Mask:
    def __index__(self):
        return 13


print("result:", bin(Mask()).count("1"))
