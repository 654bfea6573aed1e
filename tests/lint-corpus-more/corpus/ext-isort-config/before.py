from setup_all import rate
import setup_all
from apply import b, a

print("result:", rate, a, b, setup_all.log)
