"""What an image says of itself, where no builder would have written it."""

import pytest

from nightlab.controller.engine.image import read_image
from nightlab.controller.errors import ImageError


def answer(**config):
    return {"Id": "sha256:" + "0" * 64, "Config": config, "Architecture": "amd64"}


def test_relative_places_are_below_the_root():
    facts = read_image(answer(WorkingDir="app/../rel", Volumes={"data/": {}, "../out": {}}))
    assert (facts.workdir, facts.volumes) == ("/rel", ("/data", "/out"))


def test_an_image_that_says_nothing_has_defaults():
    facts = read_image(answer())
    assert (facts.workdir, facts.user, facts.env, facts.volumes) == ("/", "", {}, ())


def test_variables_keep_what_a_process_can_have():
    env = read_image(answer(Env=["A=b=c", "NO_VALUE", "TWO\nLINES=\x1b[31m"])).env
    assert env == {"A": "b=c", "NO_VALUE": "", "TWO\nLINES": "\x1b[31m"}


@pytest.mark.parametrize("entry", ["", "=x", "A=a\0b", "A\0=b"])
def test_a_variable_that_no_process_can_have_is_refused_by_name(entry):
    with pytest.raises(ImageError, match="ENV entry"):
        read_image(answer(Env=["PATH=/bin", entry]))
