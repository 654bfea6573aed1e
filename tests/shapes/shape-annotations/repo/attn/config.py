from dataclasses import dataclass


@dataclass
class TrainConfig:
    seed: int = 17
    context: int = 12
    width: int = 24
    learning_rate: float = 0.3
    batch: int = 64
    steps: int = 250
    clip: float = 1.0
