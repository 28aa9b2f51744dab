"""Runs connectors: WebAssembly components that speak a provider's API and can do nothing else."""

from .host import CallError, Connection, Connector, receiver
from .policy import Refused

__all__ = ["CallError", "Connection", "Connector", "Refused", "receiver"]
