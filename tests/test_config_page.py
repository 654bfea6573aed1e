"""docs/config.md says what the schema says, and its example is a config."""

from __future__ import annotations

import importlib.util
import tomllib
from pathlib import Path

from nightlab.controller.config.schema import Config

DOCS = Path(__file__).parents[1] / "docs"


def _generator():
    spec = importlib.util.spec_from_file_location("generate_config", DOCS / "generate_config.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_page_is_current():
    assert _generator().page() == (DOCS / "config.md").read_text(), "run `python docs/generate_config.py`"


def test_every_setting_is_explained():
    generator = _generator()
    bare = [
        f"{model.__name__}.{name}"
        for _, model in generator.SECTIONS[1:]
        for name in model.model_fields
        if name != "source" and name not in generator.attributes(model)
    ]
    assert bare == []


def test_the_example_is_a_config():
    text = (DOCS / "config.md").read_text().partition("```toml\n")[2].partition("```")[0]
    config = Config.model_validate(tomllib.loads(text))
    assert config.search.tunable["train.py:WARMUP"].log is True
