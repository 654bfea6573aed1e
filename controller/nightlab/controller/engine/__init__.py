"""The container engine: found, asked for hardened containers, checked, measured and cleaned up."""

from nightlab.controller.engine.cleanup import Leftovers
from nightlab.controller.engine.connect import connect
from nightlab.controller.engine.containers import Container, ContainerState, EndCause, end_cause
from nightlab.controller.engine.engine import Engine
from nightlab.controller.engine.facts import EngineFacts
from nightlab.controller.engine.gpus import Gpu, GpuLease, GpuPool, list_gpus
from nightlab.controller.engine.image import ImageFacts
from nightlab.controller.engine.meter import Meter, Reading
from nightlab.controller.engine.policy import missing_protections
from nightlab.controller.engine.resources import Capacity, Cores, Demand, how_many_fit, machine_capacity, what_is_short
from nightlab.controller.engine.spec import (
    LINK_PATH,
    SEED_PATH,
    TOOLBOX_PATH,
    ContainerSpec,
    Labels,
    Limits,
    Scratch,
    VolumeMount,
    target_problem,
)
from nightlab.controller.engine.volumes import WorkspaceVolume

__all__ = [
    "LINK_PATH",
    "SEED_PATH",
    "TOOLBOX_PATH",
    "Capacity",
    "Container",
    "ContainerSpec",
    "ContainerState",
    "Cores",
    "Demand",
    "EndCause",
    "Engine",
    "EngineFacts",
    "Gpu",
    "GpuLease",
    "GpuPool",
    "ImageFacts",
    "Labels",
    "Leftovers",
    "Limits",
    "Meter",
    "Reading",
    "Scratch",
    "VolumeMount",
    "WorkspaceVolume",
    "connect",
    "end_cause",
    "how_many_fit",
    "list_gpus",
    "machine_capacity",
    "missing_protections",
    "target_problem",
    "what_is_short",
]
