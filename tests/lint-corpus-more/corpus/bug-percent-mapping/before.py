values = [1]
print("%(lr)s" % [0.1])
print("result:", values)
