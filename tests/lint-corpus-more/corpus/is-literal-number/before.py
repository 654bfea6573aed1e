limit = int("1000")
print("result:", limit is 1000)
