import sys

with open(sys.argv[1]) as file:
    text = file.read()
with open(sys.argv[1], "w") as file:
    file.write(text.replace("(0.9, 0.95)", "(0.9,0.999)").replace("(1 - step / 300)", "( 1-step/300 )"))
