# -*- coding: utf-8 -*-
import sys

print("result:", sys._getframe().f_lineno)
