import pathlib, sysconfig

ALPHABET = "\n abcdefghijklmnopqrstuvwxyz_().,:=0"
INDEX = {c: i for i, c in enumerate(ALPHABET)}


def characters(module):
    """Text of one stdlib module, folded to the alphabet."""
    path = pathlib.Path(sysconfig.get_paths()["stdlib"], module + ".py")
    text = path.read_text(encoding="utf-8").lower()
    return [INDEX["0"] if c.isdigit() else INDEX[c] for c in text if c.isdigit() or c in INDEX]
