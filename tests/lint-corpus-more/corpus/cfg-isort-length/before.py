import an_overriding_plugin
import base

print("result:", base.order)
