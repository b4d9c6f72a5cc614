"""Reads objects for Kubernetes from standard input with the types of its API, which take no other field.

Run by a Python that has the package `kubernetes`. Writes the fields that are deprecated.
"""

import sys

import yaml
from kubernetes.client import models
from pydantic import BaseModel


def deprecated(given: object, at: str) -> list[str]:
    """Return where a field of an object's is set that should not be any more."""
    if isinstance(given, list):
        return [each for item in given for each in deprecated(item, at)]
    found = []
    if isinstance(given, BaseModel):
        for name in given.model_fields_set:
            said = type(given).model_fields[name].description or ""
            if "deprecated" in said.lower().split(".")[0]:
                found.append(f"{at}.{name}")
            found += deprecated(getattr(given, name), f"{at}.{name}")
    return found


for document in yaml.safe_load_all(sys.stdin):
    read = getattr(models, f"V1{document['kind']}").model_validate(document)
    sys.stdout.write("\n".join(deprecated(read, document["kind"])))
