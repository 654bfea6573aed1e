log = dict.fromkeys(["loss", "norm"], [])
log["loss"].append(1)
print("result:", log)
