import setup_all

setup_all.log.append('first')
