"""How a test starts a node."""

from collections.abc import Callable

from discern.node.service import Node

StartNode = Callable[..., Node]
