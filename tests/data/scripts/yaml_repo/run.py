from pkg.core import fit
from pkg import settings

if __name__ == "__main__":
    fit(settings.load("configs/base.yaml"))
