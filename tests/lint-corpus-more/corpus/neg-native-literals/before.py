# -*- coding: utf-8 -*-
text = str("lr")
print("result:", text.encode("utf-8"), int(3))
