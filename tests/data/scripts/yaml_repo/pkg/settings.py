from dataclasses import dataclass

import yaml


@dataclass
class TrainCfg:
    lr: float = 1e-3
    hidden: int = 64


def load(path):
    return yaml.safe_load(open(path))
