def scale(x: float, by: int) -> float:
    return x * by


print("result:", scale.__annotations__["by"] is int)
