"""Usage that is paid for: Stripe's billing meters, each adding what is reported to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import stripe

from dream_gateway.errors import ConflictError
from dream_gateway_stripe.desk import PAGE, Asking, once, translated
from dream_gateway_stripe.shapes import Meter, Summary

if TYPE_CHECKING:
    from stripe.params.billing import MeterCreateParams, MeterEventCreateParams

    from dream_gateway.payments import Account, UsageReport

CUSTOMER, UNITS = "stripe_customer_id", "value"
"""The members of a report's payload."""

TWICE = "duplicate_meter_event"
"""Stripe's word for a report whose identifier it has."""


def name_of(meter: Meter) -> str:
    """Return how the gateway names a meter: its id, and what its reports are called."""
    return f"{meter.id}/{meter.event_name}"


class Meters(Asking):
    """The meters of an account."""

    async def meter(self, account: Account, event_name: str, display_name: str) -> Meter:
        """Return the meter of this name, which is made if it is not there."""
        meters = await self._desk.every(
            account,
            Meter,
            lambda client, options: client.v1.billing.meters.list_async({"limit": PAGE}, options),
        )
        found = next((meter for meter in meters if meter.event_name == event_name), None)
        if found is None:
            return await self._create(account, event_name, display_name)
        if found.status == "active":
            return found
        name = found.id
        return await self._desk.ask(
            account,
            Meter,
            lambda client, options: client.v1.billing.meters.reactivate_async(name, None, options),
        )

    async def _create(self, account: Account, event_name: str, display_name: str) -> Meter:
        params: MeterCreateParams = {
            "display_name": display_name,
            "event_name": event_name,
            "default_aggregation": {"formula": "sum"},
            "customer_mapping": {"type": "by_id", "event_payload_key": CUSTOMER},
            "value_settings": {"event_payload_key": UNITS},
        }
        return await self._desk.ask(
            account,
            Meter,
            lambda client, options: client.v1.billing.meters.create_async(params, options),
            once("meter", params),
        )


class Usage(Asking):
    """Reports usage, and reads what was reported."""

    async def report(self, account: Account, report: UsageReport) -> None:
        """Add usage that is to be paid. Stripe knows an identifier again for a day at least."""
        params: MeterEventCreateParams = {
            "event_name": report.meter.partition("/")[2],
            "identifier": report.identifier,
            "timestamp": int(report.at),
            "payload": {CUSTOMER: report.customer_id, UNITS: str(report.units)},
        }
        try:
            await self._desk.attempt(
                account,
                lambda client, options: client.v1.billing.meter_events.create_async(
                    params, {**options, "idempotency_key": once(report.identifier, params)}
                ),
            )
        except stripe.InvalidRequestError as exc:
            if TWICE not in {exc.code, exc.param} and not _is_there(exc):
                raise translated(exc, account) from exc
        except stripe.StripeError as exc:
            raise translated(exc, account) from exc

    async def reported(
        self, account: Account, meter: str, customer_id: str, start: float, end: float
    ) -> int:
        """Return the units that were reported between two instants of whole minutes."""
        name = meter.partition("/")[0]
        if not name:
            raise ConflictError("There is no such meter.")
        found = await self._desk.every(
            account,
            Summary,
            lambda client, options: client.v1.billing.meters.event_summaries.list_async(
                name,
                {
                    "customer": customer_id,
                    "start_time": int(start),
                    "end_time": int(end),
                    "limit": PAGE,
                },
                options,
            ),
        )
        return round(sum(each.aggregated_value for each in found))


def _is_there(error: stripe.InvalidRequestError) -> bool:
    """Whether a report was refused because it was taken before; Stripe has no code for all such."""
    return "already exists with identifier" in (error.user_message or "")
