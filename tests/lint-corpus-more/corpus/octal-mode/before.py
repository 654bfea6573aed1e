import os
import tempfile

with tempfile.NamedTemporaryFile() as file:
    os.chmod(file.name, 400)
    print("result:", oct(os.stat(file.name).st_mode & 0o777))
