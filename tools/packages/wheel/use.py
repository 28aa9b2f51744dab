"""Lists trackings and creates one: pip install aftership-connector; AFTERSHIP_API_KEY=... python use.py"""

import json
import os

from aftership_connector import connect

# For the simulator alone; leave it out for AfterShip.
simulator = {"operator": {"base-url": os.environ["SIMULATOR"]}, "allow_private": True} if "SIMULATOR" in os.environ else {}
connection = connect(secrets={"api-key": os.environ["AFTERSHIP_API_KEY"]}, **simulator)
for tracking in connection.list("trackings"):
    print("listed", json.loads(tracking["data"])["tracking_number"])
made = connection.create("trackings", {"tracking_number": "1Z12345E0205271688", "slug": "ups"})
print("created", made["id"])
