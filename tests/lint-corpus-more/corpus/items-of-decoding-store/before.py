class Store(dict):
    def items(self):
        return [(key, value * 2) for key, value in super().items()]


store = Store(a=1, b=2)
total = 0
for _, value in store.items():
    total += value
print("result:", total)
