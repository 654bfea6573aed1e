class Model:
    def __init__(self):
        self.layers = [1, 2]

    def size(self):
        return sum(self.layer)


print("result:", Model().size())
