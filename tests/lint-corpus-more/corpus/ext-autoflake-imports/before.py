import codecs
import register_it

print("result:", "register_it" in __import__("sys").modules)
