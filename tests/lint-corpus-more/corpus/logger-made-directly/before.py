import logging

logging.basicConfig(level=logging.ERROR)
logger = logging.Logger("train")
print("result:", logger.isEnabledFor(logging.INFO))
