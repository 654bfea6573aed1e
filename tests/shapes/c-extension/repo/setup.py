from setuptools import Extension, setup

setup(ext_modules=[Extension("spamline._sgd", ["src/spamline/_sgd.c"], extra_compile_args=["-O2"])])
