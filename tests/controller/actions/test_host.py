"""The whole way with the real worker: what a tree offers, edits for arguments, plugins that break."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from nightlab.controller.actions import ActionHost
from nightlab.controller.actions.process import ProcessRuntime
from nightlab.controller.actions.registry import enabled
from nightlab.controller.actions.worker import Patience, PluginWorker
from nightlab.controller.config.schema import Config
from nightlab.controller.errors import ConfigError, PluginError
from nightlab.controller.model.trial import ActionCall

PLUGINS = str(Path(__file__).parents[2] / "data" / "plugins")
SCRIPT = b"SEED = 1\nLEARNING_RATE = 3e-4  # peak\nEVAL_STEPS = 20\n"
FILES = {"train.py": SCRIPT, "other.txt": b"x"}
DIGEST = "0" * 64


def config(**tables: object) -> Config:
    objective = {"name": "loss", "measure": {"source": "regex", "pattern": "loss: (.*)"}}
    return Config.model_validate({"train": {"command": "python train.py"}, "objectives": [objective], **tables})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def host(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ActionHost]:
    made = ActionHost(config(), state_dir=tmp_path_factory.mktemp("state"))
    await made.open()
    yield made
    await made.close()


def call(action: str = "hyperparameter", **arguments: object) -> ActionCall:
    return ActionCall("hyperparameter", action, arguments, "")


async def apply(host: ActionHost, made: ActionCall, files: dict[str, bytes] | None = None):
    return await host.apply(made, files or FILES, ["train.py"], DIGEST, request_id="r", seed=0)


@pytest.mark.asyncio(loop_scope="module")
async def test_tree_offers_its_literals(host: ActionHost) -> None:
    tune, set_literal = await host.check(FILES, ["train.py"], DIGEST)
    assert tune.applicable and tune.sampleable and not set_literal.sampleable
    assert tune.defaults == {"train.py:LEARNING_RATE": 3e-4}
    assert len(tune.schema_digest) == 12
    told = [str(note) for note in tune.diagnostics]
    assert "train.py:3: frozen: evaluation: EVAL_STEPS = 20" in told
    assert "train.py:1: seed: literal train.py:SEED = 1" in told


@pytest.mark.asyncio(loop_scope="module")
async def test_arguments_become_edits_or_a_rejection(host: ActionHost) -> None:
    applied = await apply(host, call(**{"train.py:LEARNING_RATE": 0.001}))
    assert applied.writes == {"train.py": SCRIPT.replace(b"3e-4", b"1e-3")}
    assert applied.summary == "LEARNING_RATE 3e-4 -> 0.001"
    rejected = await apply(host, call(**{"train.py:LEARNING_RATE": 5.0}))
    assert not rejected.writes and rejected.rejection[0].pointer == "/train.py:LEARNING_RATE"
    seeded = await apply(host, call("set_literal", id="train.py:SEED", value_json="7"))
    assert seeded.writes == {"train.py": SCRIPT.replace(b"= 1\n", b"= 7\n")}


@pytest.mark.asyncio(loop_scope="module")
async def test_code_that_kills_a_parser_hurts_only_the_worker(host: ActionHost) -> None:
    bombs = (b"x = " + b"-" * 20_000 + b"1\n", b"x = " + b"(" * 5_000 + b")" * 5_000, b"a." * 60_000 + b"b\n")
    for bomb in bombs:
        offers = await host.check({"train.py": bomb}, ["train.py"], DIGEST)
        assert not any(each.applicable for each in offers)
        assert all(any(note.severity == "error" for note in each.diagnostics[:1]) for each in offers[:1])
    deep_config = {"train.py": SCRIPT + b"open('c.yaml')\n", "c.yaml": b"[" * 50_000}
    await host.check(deep_config, ["train.py"], DIGEST)


BROKEN_WORDS = [("stray", {"path": path}) for path in ("../x", ".git/hooks/x", "/etc/x")]


@pytest.mark.parametrize("breaks", [BROKEN_WORDS, [("misbehave", {"way": "exit"})] * 3], ids=["lies", "crashes"])
async def test_host_goes_on_without_a_plugin_that_breaks(
    breaks: list[tuple[str, dict[str, str]]], tmp_path: Path
) -> None:
    patience = Patience(start_s=60, call_s=10)
    worker = PluginWorker("misbehaving", partial(ProcessRuntime, "misbehaving:PLUGIN", [PLUGINS]), patience=patience)
    settings = config(search={"actions": ["misbehaving"]}, train={"command": "x", "editable": ["**/*.txt"]})
    host = ActionHost(settings, state_dir=tmp_path, workers={"misbehaving": worker})
    await host.open()
    assert {each.action for each in await host.check(FILES, [], DIGEST)} == {"misbehave", "tell", "stray", "shout"}
    kept = await apply(host, ActionCall("misbehaving", "stray", {"path": "a.bin"}, ""))
    assert "train.editable" in kept.rejection[0].summary
    for action, arguments in breaks:
        assert host.available() == {"misbehaving"}
        with pytest.raises(PluginError, match="nothing was changed" if action == "stray" else "went away"):
            await apply(host, ActionCall("misbehaving", action, arguments, ""))
    assert host.available() == frozenset() and "broke 3 times" in host.stopped["misbehaving"]
    offers = await host.check(FILES, [], DIGEST)
    assert not any(each.applicable for each in offers)
    assert "left out for the night" in offers[0].diagnostics[0].summary
    await host.close()


async def test_call_of_an_unknown_action_says_what_there_is(tmp_path: Path) -> None:
    host = ActionHost(config(), state_dir=tmp_path)
    with pytest.raises(PluginError, match="no action hyperparameter/nothing"):
        await apply(host, call("nothing"))
    await host.close()


def test_config_enables_actions_and_a_seed_needs_its_literal_set() -> None:
    (only,) = enabled(config())
    assert only.allows("hyperparameter") and only.allows("set_literal")
    (narrow,) = enabled(config(search={"actions": ["hyperparameter/hyperparameter"]}))
    assert not narrow.allows("set_literal")
    (seeded,) = enabled(
        config(
            search={"actions": ["hyperparameter/hyperparameter"]},
            noise={"seed": {"kind": "literal", "name": "train.py:SEED"}},
        )
    )
    assert seeded.allows("set_literal")
    with pytest.raises(ConfigError, match=r"there is no plugin 'nothing' here; there is .*hyperparameter"):
        enabled(config(search={"actions": ["nothing/x"]}))
    for word in ("hyperparameter/", "/x"):
        with pytest.raises(ConfigError, match="names no plugin or no action"):
            enabled(config(search={"actions": [word]}))


async def test_unknown_action_in_the_config_is_refused(tmp_path: Path) -> None:
    host = ActionHost(config(search={"actions": ["hyperparameter/hyper"]}), state_dir=tmp_path)
    with pytest.raises(ConfigError, match="hyperparameter/hyper does not exist"):
        await host.open()
    await host.close()


def test_host_process_never_imports_plugin_code() -> None:
    code = "import sys, nightlab.controller.actions; "
    code += "print([m for m in sys.modules if m.split('.')[0] in ('libcst', 'yaml') or m[:12] == 'nightlab.sdk' "
    code += "or m[:16] == 'nightlab.plugins'])"
    environment = {"PYTHONPATH": os.pathsep.join(sys.path)}
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=60)
    assert result.stdout.strip() == "[]", result.stderr
