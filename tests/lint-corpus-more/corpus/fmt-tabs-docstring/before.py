def usage():
	"""Usage.

		train
	"""
	return usage.__doc__


print("result:", len(usage()))
