"""AfterShip's connector with a host for it. What it may do, and what the host refuses, stands in the contract's HOSTS.md."""

from pathlib import Path

from connector_host import CallError, Connection, Connector, Refused, receiver

__all__ = ["CallError", "Connection", "Connector", "Refused", "connect", "load", "receiver"]


def load(**bounds) -> Connector:
    """The connector, loaded: it serves any number of connections."""
    return Connector(Path(__file__).with_name("connector.wasm"), **bounds)


def connect(**options) -> Connection:
    """A connection of a connector of its own."""
    return Connection(load(), **options)
