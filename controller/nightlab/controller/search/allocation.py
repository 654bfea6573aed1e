def ranked_candidates(c, h, o):
    return list(c)
