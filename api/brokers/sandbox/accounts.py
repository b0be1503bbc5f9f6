"""The sandbox's accounts: four to begin with, their credentials derived from a seed, so that a restart knows its clients again."""

from __future__ import annotations

import hashlib
import hmac
import string

from .instruments import Instrument
from .model import Account, Broker, Environment, Position

DEFAULT_CASH = 1_000_000_000
DEFAULT_POSITIONS: dict[str, int] = {"005930": 1_000, "000660": 300, "035420": 200, "247540": 500, "069500": 1_000}
_KEY_CHARACTERS = string.ascii_letters + string.digits
_KEY_LENGTH = 36
_SECRET_LENGTH = {Broker.KIS: 180, Broker.LS: 32}
_OWNER = "홍길동"


def derive(seed: str, purpose: str, length: int, characters: str = _KEY_CHARACTERS) -> str:
    """A string of a length that only the seed and purpose decide."""
    output: list[str] = []
    block = 0
    while len(output) < length:
        digest = hmac.digest(seed.encode(), f"{purpose}/{block}".encode(), hashlib.sha256)
        output += [characters[byte % len(characters)] for byte in digest]
        block += 1
    return "".join(output[:length])


def make_account(
    broker: Broker,
    environment: Environment,
    seed: str,
    serial: int,
    *,
    instruments: dict[str, Instrument],
    cash: int = DEFAULT_CASH,
    positions: dict[str, int] | None = None,
) -> Account:
    """The account that a seed and a serial number give; holdings are booked at the reference price."""
    purpose = f"{broker}/{environment}/{serial}"
    digits = derive(seed, f"{purpose}/number", 6, string.digits)
    # KIS: 8 digits and the product code 01. LS: 11 digits. In the sandbox a 5 marks paper, a 6 real.
    lead = "5" if environment is Environment.PAPER else "6"
    number = f"{lead}{serial % 10}{digits}01" if broker is Broker.KIS else f"2{lead}{serial % 10:d}{digits}01"
    held = DEFAULT_POSITIONS if positions is None else positions
    return Account(
        broker=broker,
        environment=environment,
        number=number,
        app_key="PS" + derive(seed, f"{purpose}/key", _KEY_LENGTH - 2),
        app_secret=derive(seed, f"{purpose}/secret", _SECRET_LENGTH[broker]),
        hts_id=f"{broker}{environment[0]}{derive(seed, f'{purpose}/hts', 4, string.ascii_lowercase)}",
        name=_OWNER,
        deposit=cash,
        positions={
            symbol: Position(symbol, quantity=quantity, cost=quantity * instruments[symbol].reference_price)
            for symbol, quantity in held.items()
        },
    )
