"""Lists an object's records and says how fast: `python list.py COMPONENT OBJECT BASE-URL`, the key in API_KEY. It is for
a provider on this machine: the limits are off."""

import os
import sys
import time

from connector_host import Connection, Connector

component, object_name, base_url = sys.argv[1:]
connection = Connection(
    Connector(component), operator={"base-url": base_url}, secrets={"api-key": os.environ["API_KEY"]}, allow_private=True, limits=False
)
begun = time.monotonic()
count = sum(1 for _ in connection.list(object_name))
print(f"{count} records, {count / (time.monotonic() - begun):.0f} records/s")
