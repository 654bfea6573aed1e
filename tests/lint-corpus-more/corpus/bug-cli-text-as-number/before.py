import argparse

parser = argparse.ArgumentParser()
parser.add_argument("--steps", default="3")
args = parser.parse_args()
total = 0
for step in range(args.steps):
    total += step
print("result:", total)
