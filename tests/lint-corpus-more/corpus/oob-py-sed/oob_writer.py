import sys

with open(sys.argv[1]) as file:
    text = file.read()
with open(sys.argv[1], "w") as file:
    file.write(text.replace("300", "600").replace("0.95", "0.99"))
