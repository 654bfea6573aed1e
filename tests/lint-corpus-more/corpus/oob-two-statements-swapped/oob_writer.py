import sys

with open(sys.argv[1]) as file:
    text = file.read()
with open(sys.argv[1], "w") as file:
    file.write(text.replace("seed(7)", "seed(0)").replace("seed(9)", "seed(7)").replace("seed(0)", "seed(9)"))
