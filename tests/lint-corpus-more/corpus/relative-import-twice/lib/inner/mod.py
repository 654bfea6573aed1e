def read():
    from . import state

    return state.rate
