import logging

logging.basicConfig(level=logging.INFO)
logging.info("step %d", 1, 2)
print("result:", 1)
