import logging

logger = logging.getLogger(__file__)
print("result:", logger.name == "__main__")
