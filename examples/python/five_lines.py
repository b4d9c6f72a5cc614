"""Charge a user for a request, and tell how much that leaves them."""

import os

from dream_gateway.client import DreamAPI

api = DreamAPI(base_url=os.environ["GATEWAY_URL"], secret_key=os.environ["GATEWAY_SECRET_KEY"])
usage = api.usage.track(user_id="ada")["usage"]
print(f"{usage['usageCount']} of {usage['limit']} used")
