import hashlib
import re

print("result:", hashlib.sha256(b"x").digest().hex()[:8], bool(re.match("A", "a", re.I)))
