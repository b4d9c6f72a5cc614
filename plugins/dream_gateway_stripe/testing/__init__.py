"""A Stripe of one's own, for tests and for the demo: stateful, over real HTTP, on a settable clock.

    clock = FakeClock()                             # anything with now() and advance(seconds)
    async with FakeStripe(clock=clock) as fake:     # or `with FakeStripe() as fake`
        client = StripeClient(fake.keys().secret, base_addresses=fake.base_addresses)
        fake.connect_webhooks("http://127.0.0.1:8787/webhook/stripe", "whsec_connect")
        fake.platform_webhooks("http://127.0.0.1:8787/webhook/stripe/platform", "whsec_platform")

`fake.keys(live=True)` are those of the live mode; `.client_id` is OAuth's. A key may act for an account
(`Stripe-Account`) that is connected in the key's own mode.

People do what they would in a browser, on the pages or by `fake.people`:

        account = fake.people.connected()                      # or owner() and allow(url, account)
        back = fake.people.allow(authorize_url, fake.people.owner())
        fake.people.check_out(session_id, card=Card.WORKS)     # DECLINES, SLOW; settle(...) later
        fake.people.use_card(customer_id, Card.DECLINES)       # renewals fail from here on
        fake.people.pay_open(customer_id)                      # and recover
        fake.people.refund(payment_id); dispute(payment_id); revoke(account)

Time passes by `fake.advance(seconds)`, or by the test's own clock: what is due happens before the
next request is answered, each thing at its own instant: renewals, the ends of trials, schedules and
checkouts, and payments that are tried again (after 3, 5 and 7 days, and then the subscription is
`fake.world.policy.then`: "canceled" or "unpaid").

Webhooks wait until a test asks for them, so that their order is the test's:

        await fake.deliver(order=[2, 0], duplicate=[0], drop=[1])   # places in fake.pending()
        await fake.deliver_all()                    # `transport=httpx.ASGITransport(app)` for an app
        for each in fake.pending():                 # without an endpoint
            headers, body = fake.signed(each)
        fake.push()                                 # or in the background, for a browser

`fake.fail("/v1/prices", moment=Moment.AFTER, status=0)` loses an answer after the work was done.

Each request and answer is held against the types of stripe-python (`contract`): what breaks them is
refused, and `ContractError` is raised when the context is left. A test that breaks them on
purpose takes the proof with `fake.forgive()`.
"""

from dream_gateway_stripe.testing.cards import Card
from dream_gateway_stripe.testing.clock import SettableClock
from dream_gateway_stripe.testing.deliveries import Delivery, Target
from dream_gateway_stripe.testing.fake import ContractError, FakeStripe
from dream_gateway_stripe.testing.faults import Moment, StripeFault

__all__ = [
    "Card",
    "ContractError",
    "Delivery",
    "FakeStripe",
    "Moment",
    "SettableClock",
    "StripeFault",
    "Target",
]
