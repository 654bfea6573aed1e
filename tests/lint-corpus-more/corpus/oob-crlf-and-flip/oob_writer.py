import sys

with open(sys.argv[1], "rb") as file:
    text = file.read()
with open(sys.argv[1], "wb") as file:
    file.write(text.replace(b"LR = 0.5", b"LR = 0.3").replace(b"\n", b"\r\n"))
