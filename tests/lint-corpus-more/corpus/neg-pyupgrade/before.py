# -*- coding: utf-8 -*-
from __future__ import print_function
import io


class Run(object):
    def name(self):
        return super(Run, self).__str__() and "run-{0}".format(1)


print("result:", Run().name(), set([1]), isinstance(io.StringIO(u""), object))
