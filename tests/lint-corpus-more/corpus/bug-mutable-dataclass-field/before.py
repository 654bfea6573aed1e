from dataclasses import dataclass


@dataclass
class Settings:
    betas: list = []


print("result:", Settings().betas)
