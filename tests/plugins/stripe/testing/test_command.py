"""`python -m dream_gateway_stripe.testing`, as somebody starts it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys

import stripe


def test_it_serves_until_it_is_stopped() -> None:
    command = [sys.executable, "-m", "dream_gateway_stripe.testing", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(6)]
        (url,) = re.findall(r"http://[\d.:]+\d", said[0])
        secret = said[1].strip().removeprefix("STRIPE_SECRET_KEY=")
        client = stripe.StripeClient(secret, base_addresses={"api": url})
        assert client.v1.accounts.retrieve_current().id == "acct_platform"
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
