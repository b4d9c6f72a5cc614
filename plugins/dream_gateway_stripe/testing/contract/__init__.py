"""Holds requests and answers against what stripe-python says of them: it is generated from the API.

`operations` finds every call of the library with its parameters and its answer, `sources` reads the
types it declares for them, and `checks` compares.
"""

from dream_gateway_stripe.testing.contract.checks import check_answer, read_params
from dream_gateway_stripe.testing.contract.operations import Contract, Operation

__all__ = ["Contract", "Operation", "check_answer", "read_params"]
