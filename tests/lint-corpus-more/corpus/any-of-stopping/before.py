def exhausted(sources):
    for source in sources:
        if next(source) < 0:
            return True
    return False


try:
    found = exhausted([iter([1]), iter([])])
except StopIteration:
    found = "empty source"
print("result:", found)
