from decimal import Decimal

print("result:", Decimal(0.1) == Decimal(1) / 10)
