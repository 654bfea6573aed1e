import sys, json
from pathlib import PurePath, Path
import math
print("result:", json.dumps(math.floor(2.5)), PurePath("a") == Path("a"), sys.byteorder == "little")
