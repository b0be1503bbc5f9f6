"""What arq hands to a job."""

from typing import Any

from api.bootstrap import Services


def services_of(context: dict[str, Any]) -> Services:
    """The process's services, put there at start-up."""
    services = context["services"]
    if not isinstance(services, Services):
        raise TypeError("the worker was started without services")
    return services
