import setup_all

setup_all.log.append(len(setup_all.log))
a = b = 1
