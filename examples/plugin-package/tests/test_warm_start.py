"""The action on a dictionary of files: no server, no container."""

import pytest
from warm_start import PLUGIN, set_warmup

from nightlab.sdk import Edits, Unmet
from nightlab.sdk.action import Context

CONFIG = "lr: 0.1\nsteps: 400\nwarmup_steps: 0  # none so far\n"


def test_the_warm_up_follows_the_length_of_the_run():
    ws = Edits({"config.yaml": CONFIG})
    assert set_warmup(ws, fraction=0.05) == "warmup_steps 20 of 400"
    assert ws.changes() == {"config.yaml": CONFIG.replace("steps: 0", "steps: 20").encode()}


def test_it_is_at_least_one_step():
    ws = Edits({"config.yaml": CONFIG.replace("400", "3")})
    assert set_warmup(ws, fraction=0.01) == "warmup_steps 1 of 3"


@pytest.mark.parametrize("text", ["", "steps: 400\n", "warmup_steps: 1\n", "steps: many\nwarmup_steps: 1\n"])
def test_a_config_without_both_is_left_alone(text):
    with pytest.raises(Unmet):
        set_warmup.check(Edits({"config.yaml": text}), Context())


def test_what_nightlab_reads_of_it():
    assert PLUGIN.find("set_warmup").schema["properties"]["fraction"]["x-scale"] == "log"
