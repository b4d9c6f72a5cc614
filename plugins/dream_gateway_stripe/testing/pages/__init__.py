"""The pages that people see at Stripe, without scripts: paying, the portal, connecting, and a panel."""
