import sys

sys.stderr.write("HOSTILE sitecustomize\n")
