print("{loss:.2f} {step}".format(loss=0.5))
print("result:", 1)
