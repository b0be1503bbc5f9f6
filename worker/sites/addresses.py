"""The two sites' addresses out of the settings."""

from api.settings import Settings
from worker.sites.fetch import SiteAddress


def site38_address(settings: Settings) -> SiteAddress:
    """38커뮤니케이션, whose HTTPS is old."""
    return SiteAddress(
        name="38",
        base_url=settings.site38_url,
        user_agent=settings.site_user_agent,
        delay=settings.site_delay,
        has_old_tls=settings.site38_url.startswith("https://"),
    )


def judal_address(settings: Settings) -> SiteAddress:
    """주달."""
    return SiteAddress(name="judal", base_url=settings.judal_url, user_agent=settings.site_user_agent, delay=settings.site_delay)
