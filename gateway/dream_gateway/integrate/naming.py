"""What the project and its gateway are called in the files that are written."""

from __future__ import annotations

import re
from dataclasses import dataclass

EDGE_URL = "http://127.0.0.1:8080"
SERVICE_URL = "http://127.0.0.1:8787"


@dataclass(frozen=True, slots=True)
class Naming:
    """The project's name, where its gateway is, and the variables that its secrets are read from.

    A secret is never written into a file: only the name of the variable that holds it.
    """

    project: str = ""
    edge_url: str = EDGE_URL
    service_url: str = SERVICE_URL

    @property
    def title(self) -> str:
        """The project as comments name it, on one line and in a plain character set."""
        return re.sub(r"[^\w .-]+", " ", self.project, flags=re.ASCII).strip() or "this API"

    @property
    def secret_variable(self) -> str:
        """The variable with the project's secret key: two projects' keys never share a name."""
        return f"{self._prefix}_SECRET_KEY"

    @property
    def url_variable(self) -> str:
        """The variable with the URL of the service."""
        return f"{self._prefix}_URL"

    @property
    def edge_address(self) -> str:
        """Host and port of the edge."""
        return self.edge_url.partition("://")[2].strip("/")

    @property
    def edge_host(self) -> str:
        """The edge's host."""
        return self.edge_address.rpartition(":")[0]

    @property
    def edge_port(self) -> str:
        """The edge's port."""
        return self.edge_address.rpartition(":")[2]

    @property
    def _prefix(self) -> str:
        words = re.sub(r"[^A-Z0-9]+", "_", self.project.upper(), flags=re.ASCII).strip("_")
        if words and not words[0].isalpha():
            words = f"P_{words}"
        prefix = f"{words}_GATEWAY".lstrip("_")
        # The gateway refuses variables of its own prefix that are no settings.
        return f"MY_{prefix}" if prefix.startswith("DREAM_GATEWAY") else prefix
