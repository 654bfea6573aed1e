import re
import sys

with open(sys.argv[1]) as file:
    text = file.read()
with open(sys.argv[1], "w") as file:
    file.write(re.sub(r"LR = 0.5  #.*", "LR = 0.25", text))
