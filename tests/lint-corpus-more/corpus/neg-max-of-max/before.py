from decimal import Decimal

for k in range(2):
    last = k
else:
    last += 1
print("result:", max(last, max(2, 3)), Decimal("7"))
