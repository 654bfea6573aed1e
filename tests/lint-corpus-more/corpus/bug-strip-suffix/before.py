name = "weights.tar".rstrip(".tar").strip("tens")
print("result:", name.strip("abca"))
