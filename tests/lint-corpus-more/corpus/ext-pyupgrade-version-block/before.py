import sys

if sys.version_info >= (3, 12):
    width = 128
else:
    width = 64
print("result:", width)
