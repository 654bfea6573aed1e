names = ["a", "b", "c"]
for name in names:
    names.remove(name)
print("result:", names)
