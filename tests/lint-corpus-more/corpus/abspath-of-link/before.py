import os
import tempfile

with tempfile.TemporaryDirectory() as folder:
    os.mkdir(folder + "/run-7")
    os.symlink(folder + "/run-7", folder + "/latest")
    print("result:", str(os.path.abspath(folder + "/latest")).endswith("latest"))
