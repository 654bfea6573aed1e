import sys

with open(sys.argv[1], "r+") as file:
    file.truncate(len(file.read()) - 37)
