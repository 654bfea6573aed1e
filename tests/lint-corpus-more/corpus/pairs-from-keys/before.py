table = {"ab": "xy", "cd": "zw"}
out = []
for first, second in table:
    out.append(first + second)
print("result:", out)
