"""What each job of `api.jobs.table` does."""

from collections.abc import Mapping

from worker.jobs.expire_orders import expire_orders
from worker.jobs.fit_ipo_model import fit_ipo_model
from worker.jobs.keep_reconciliation_reports import keep_reconciliation_reports
from worker.jobs.load_instruments import load_instruments
from worker.jobs.load_trading_days import load_trading_days
from worker.jobs.notes import Work
from worker.jobs.refresh_broker_tokens import refresh_broker_tokens
from worker.jobs.scrape_ipos import scrape_ipos
from worker.jobs.scrape_themes import scrape_themes

WORK: Mapping[str, Work] = {
    "load_instruments": load_instruments,
    "refresh_broker_tokens": refresh_broker_tokens,
    "expire_orders": expire_orders,
    "keep_reconciliation_reports": keep_reconciliation_reports,
    "load_trading_days": load_trading_days,
    "scrape_ipos": scrape_ipos,
    "scrape_themes": scrape_themes,
    "fit_ipo_model": fit_ipo_model,
}
