names = ["a", "b"]
losses = {"name": len(name) for name in names}
print("result:", losses)
