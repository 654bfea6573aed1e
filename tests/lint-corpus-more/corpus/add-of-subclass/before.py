class Seen(set):
    def add(self, item):
        super().add(item % 10)


def fill(seen: set[int], items):
    for item in items:
        seen.add(item)
    return len(seen)


print("result:", fill(Seen(), [1, 11, 21]))
