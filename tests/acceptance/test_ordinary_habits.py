"""Habits of ordinary repos that write code, caches and packages while they run never void a run."""

from __future__ import annotations

import pytest

from nightlab.controller.model.trial import Ending

pytestmark = pytest.mark.docker
LIB = {"lib.py": "A = 1\n", "pkg/__init__.py": "", "pkg/model.py": "B = 2\n", "conf/config.yaml": "lr: 0.1\n"}
ENDING = ".cpython-311-x86_64-linux-gnu.so"
HABITS = {
    "hydra": "for day in ('2026-01-01/12-00-00', '2026-01-01/12-00-01'):\n"
    "    for name in ('config.yaml', 'hydra.yaml', 'overrides.yaml'): put(f'outputs/{day}/.hydra/{name}', 'a: 1')\n"
    "    put(f'outputs/{day}/train.log')",
    "code dump": "shutil.copytree('pkg', 'runs/exp1/pkg'); shutil.copy('train.py', 'runs/exp1/train.py')\n"
    "shutil.copytree('pkg', 'logs/version_0/code/pkg'); shutil.copytree('runs', 'backup')",
    "torch compile": """
for n in range(30): put(f'torchinductor/{n:02x}/c{n}abc.py', 'import torch'); put(f'torchinductor/{n:02x}/c{n}.so')
put('torch_compile_debug/run_2026/torchdynamo/debug.log'); put('torch_compile_debug/run_2026/aot/fx_graph.py')""",
    "extension built at run time": f"""
put('csrc/build/lib.linux-x86_64-cpython-311/fast_ops{ENDING}'); put('fast_ops{ENDING}'); put('pkg/_kernels.so')
put('build/temp.linux/fast_ops.o'); put('fast_ops.egg-info/top_level.txt'); put('pkg/_kernels.c')""",
    "wandb": "put('wandb/offline-run-1/files/code/train.py'); put('wandb/settings'); put('wandb/debug.log')\n"
    "os.symlink('offline-run-1', 'wandb/latest-run'); put('wandb/offline-run-1/files/pkg/model.py')",
    "pytest": "put('.pytest_cache/v/cache/lastfailed', '{}'); put('.pytest_cache/README.md'); put('.coverage')\n"
    "put('htmlcov/index.html')",
    "version file": "put('pkg/_version.py', 'v = 1'); put('_version.py', 'v = 1'); put('pkg.egg-info/PKG-INFO')",
    "bytecode": "import compileall, py_compile\n"
    "compileall.compile_dir('pkg', quiet=2); compileall.compile_dir('made', quiet=2) if put('made/x.py') else None\n"
    "sys.dont_write_bytecode = False; import lib, pkg.model, made.x",
    "checkpoints": "put('checkpoints/last.pth'); put('best.pth'); put('last.pt'); os.replace('last.pt', 'final.pt')\n"
    "put('tmp/.last.ckpt.tmp'); os.rename('tmp/.last.ckpt.tmp', 'tmp/last.ckpt'); os.utime('.')",
    "notebooks and generated modules": "put('.ipynb_checkpoints/train-checkpoint.py'); put('generated/__init__.py')\n"
    "put('generated/config_pb2.py'); put('lightning_logs/version_0/hparams.yaml'); put('mlruns/0/meta.yaml')\n"
    "put('pkg/generated_ops.py'); sys.path.insert(0, 'generated'); import config_pb2",
    "links and locks": """
os.symlink('runs', 'latest'); put('data.lock'); put('pkg/.cache.lock'); os.symlink('../lib.py', 'pkg/alias')
os.mkdir('cache'); os.chmod('cache', 0o700); put('cache/a.py')""",
    "temporary packages": "put('scratch/json.py'); put('experiments/a/random.py'); put('outputs/sitecustomize.py')",
}
HEAD = """import os, shutil, sys
def put(path, text=''):
    os.makedirs(os.path.dirname(path) or '.', exist_ok=True)
    return open(path, 'w').write(text) + 1
"""


@pytest.mark.parametrize("habit", HABITS)
async def test_an_ordinary_habit_voids_nothing(ground, habit):
    outcome = await ground.walk(ground.tree({"train.py": HEAD + HABITS[habit] + "\nprint('done')\n", **LIB}))
    assert ground.output(outcome).endswith("done\n"), ground.output(outcome)
    assert outcome.ending is Ending.FINISHED, outcome.reason
    assert outcome.gate.drifts == outcome.gate.drift == outcome.gate.shadowing == ()
