"""Runs the demo: everything real, on a store that is thrown away."""

from __future__ import annotations

import asyncio
import os
import socket
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from dream_gateway.demo.caller import ask, call
from dream_gateway.demo.example_api import example_api
from dream_gateway.demo.hints import calls, pages
from dream_gateway.demo.past import seed_dashboard
from dream_gateway.demo.payments import open_payments
from dream_gateway.demo.seed import seed
from dream_gateway.errors import AddressInUseError, OperatorError
from dream_gateway.server.listeners import open_listeners
from dream_gateway.server.serving import Planes
from dream_gateway.server.supervisor import Supervisor, run_until_signalled

if TYPE_CHECKING:
    from collections.abc import Callable

    from dream_gateway.demo.caller import Answer
    from dream_gateway.demo.payments import FakePayments
    from dream_gateway.demo.seed import Seeded
    from dream_gateway.server.listeners import Addresses
    from dream_gateway.settings import Settings

    Tell = Callable[[str, dict[str, object]], None]
    """Takes a line for people, and the same for programs."""

PATH = "/forecast?city=Lisbon"
MOST_REQUESTS = 50
"""Far past the free tier's limit: if no 429 came by then, none will."""

LIFT_SECONDS = 30.0
"""As long as the demo waits for what was paid; a second is the promise."""


@dataclass(frozen=True, slots=True)
class Demo:
    """One run of the demo. `tell` is called with each thing that happens, as it happens."""

    settings: Settings
    tell: Tell

    async def run(self, *, once: bool) -> None:
        """Show the gateway at work up to the first 429; then serve until a signal, unless `once`.

        Raises `OperatorError` if the 429 does not come.
        """
        with tempfile.TemporaryDirectory(prefix="dream-gateway-") as folder:
            api = Planes(self.settings)
            listener = _listen()
            api.add(example_api, listener)
            upstream = f"http://127.0.0.1:{listener.getsockname()[1]}"
            settings = replace(
                self._on_free_ports(),
                store=f"sqlite:///{Path(folder, 'demo.db')}",
                journal_dir="",
                upstream=upstream,
                workers=1,
                routes=(),
            )
            serving = asyncio.create_task(api.serve(lambda: None))
            payments = open_payments(settings, os.environ)
            try:
                seeded = await seed(settings, upstream)
                if payments is not None:
                    settings = payments.settings(settings)
                    await payments.sell(settings, seeded.project)
                platform = seeded.project.platform_id
                path = "" if once else await seed_dashboard(settings, platform)
                await self._gateway(settings, seeded, payments, path, once=once)
            finally:
                if payments is not None:
                    payments.close()
                api.drain()
                await serving

    async def _gateway(
        self,
        settings: Settings,
        seeded: Seeded,
        payments: FakePayments | None,
        dashboard: str,
        *,
        once: bool,
    ) -> None:
        """Run the gateway, and the show in front of it; `dashboard` is a path to it, or empty."""
        ready: asyncio.Future[Addresses] = asyncio.get_running_loop().create_future()
        supervisor = Supervisor(
            settings,
            on_ready=ready.set_result,
            on_event=lambda event: self.tell(event, {"event": "trouble", "detail": event}),
        )
        running = asyncio.create_task(run_until_signalled(supervisor))
        showing = asyncio.create_task(self._show(ready, settings, seeded, payments, dashboard))
        try:
            await asyncio.wait((running, showing), return_when=asyncio.FIRST_COMPLETED)
            # Told to stop, or failed, before the show was over: there is nothing more to show.
            if not running.done():
                showing.result()
                if not once:
                    await running
        finally:
            showing.cancel()
            supervisor.stop()
            await running

    async def _show(
        self,
        ready: asyncio.Future[Addresses],
        settings: Settings,
        seeded: Seeded,
        payments: FakePayments | None,
        dashboard: str,
    ) -> None:
        addresses = await ready
        self.tell(
            f"The gateway listens on {addresses.edge} (edge) and {addresses.service} (service);\n"
            f"the example API behind it on {settings.upstream}.\n\n"
            f"ada is on the tier {seeded.free_tier}; her key calls GET {PATH}:",
            {
                "event": "listening",
                "edge": addresses.edge,
                "service": addresses.service,
                "upstream": settings.upstream,
            },
        )
        await self._until_refused(addresses, seeded)
        answer = await call(addresses.edge, PATH, seeded.pro_key)
        self.tell(f"\ngrace is on the tier {seeded.pro_tier}; her key still works:", {})
        self._tell_answer(0, "grace", answer)
        if payments is not None:
            await self._pay(addresses, seeded, payments)
        self._tell_what_to_try(addresses, seeded, payments)
        if dashboard:
            link = addresses.service + dashboard
            self.tell(
                f"\nThe dashboard, with customers and a past (the link works once):\n  {link}",
                {"event": "dashboard", "link": link},
            )

    async def _pay(self, addresses: Addresses, seeded: Seeded, payments: FakePayments) -> None:
        """Have ada subscribe to the pro tier, and her limit follow."""
        payments.tell(addresses.service)
        key, path = seeded.secret_key, "/api/create-checkout"
        checkout = await ask(addresses.service, path, key, "ada", {"tier": "pro"})
        self.tell(
            f"\nPayments are shown with a FAKE Stripe at {payments.url}: no money moves.\n"
            f"ada subscribes to pro, and pays on its page {checkout['url']}:",
            {"event": "checkout", "fake": True, "stripe": payments.url, "url": checkout["url"]},
        )
        payments.pay(str(checkout["sessionId"]))
        paid = time.monotonic()
        while (answer := await call(addresses.edge, PATH, seeded.free_key)).status != 200:
            if time.monotonic() > paid + LIFT_SECONDS:
                raise OperatorError("The limit did not follow the payment in the demo.")
            await asyncio.sleep(0.05)
        self._tell_answer(0, "ada", answer)
        seconds = round(time.monotonic() - paid, 2)
        self.tell(f"      {seconds} s after she paid", {"event": "lifted", "seconds": seconds})

    async def _until_refused(self, addresses: Addresses, seeded: Seeded) -> None:
        for number in range(1, MOST_REQUESTS + 1):
            answer = await call(addresses.edge, PATH, seeded.free_key)
            self._tell_answer(number, "ada", answer)
            if answer.status == 429:
                return
            if answer.status != 200:
                raise OperatorError(f"The gateway answered {answer.status} in the demo.")
        raise OperatorError(f"No 429 came in {MOST_REQUESTS} requests.")

    def _tell_answer(self, number: int, customer: str, answer: Answer) -> None:
        left = "unlimited" if answer.remaining is None else f"{answer.remaining} remaining"
        refusal = f"  {answer.code}, retry after {answer.retry_after} s" if answer.code else ""
        count = f"{number:>4}" if number else "    "
        self.tell(
            f"{count}  {answer.status}  {left}{refusal}",
            {
                "event": "verdict",
                "customer": customer,
                "status": answer.status,
                "remaining": answer.remaining,
                "code": answer.code or "allowed",
                "retryAfter": answer.retry_after,
            },
        )

    def _tell_what_to_try(
        self, addresses: Addresses, seeded: Seeded, payments: FakePayments | None
    ) -> None:
        lines = [*calls(addresses.edge, addresses.service, PATH, seeded)]
        if payments is not None:
            lines += pages(addresses.service, seeded)
        text = "\n".join(f"  {line}" for line in lines)
        self.tell(f"\nTry:\n{text}", {"event": "try", "commands": lines})

    def _on_free_ports(self) -> Settings:
        """Return the settings, with free ports if the ones they name are taken."""
        try:
            open_listeners(self.settings).close()
        except AddressInUseError as error:
            text = f"{error.detail} The demo takes free ports instead."
            self.tell(text, {"event": "ports", "detail": text})
            return replace(self.settings, port=_free_port(), service_port=_free_port())
        return self.settings


def _free_port() -> int:
    """Return a port that is free right now: the dashboard has to know its own address."""
    with _listen() as listener:
        port: int = listener.getsockname()[1]
    return port


def _listen() -> socket.socket:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    return listener
