"""Websocket payloads: the fill notice in its known layouts, the trade and book records, and AES-256-CBC as KIS uses it."""

from __future__ import annotations

import base64
from datetime import datetime

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from ..exchange import Exchange
from ..instruments import Instrument
from ..model import Event, EventKind, Order, OrderKind, OrderType, Side, Venue
from .codes import BRANCH, CONDITION_CODES, ORDER_TYPES, type_code_of
from .fid import change_sign
from .wire import kst_date, kst_time, percent

_SIDE_CODES = {Side.SELL: "01", Side.BUY: "02"}
_VENUE_CODES = {Venue.KRX: "1", Venue.NXT: "2", Venue.SOR: "3"}
_CHANGE_CODES = {OrderKind.NEW: "0", OrderKind.REPLACE: "1", OrderKind.CANCEL: "2"}
_BLOCK_BITS = 128
_DEPTH = 10

# what happened → (CNTG_YN, ACPT_YN, RFUS_YN)
_FLAGS = {
    EventKind.ACCEPTED: ("1", "1", "0"),
    EventKind.EXECUTED: ("2", "2", "0"),
    EventKind.REPLACED: ("1", "2", "0"),
    EventKind.CANCELED: ("1", "2", "0"),
    EventKind.REMAINDER_DROPPED: ("1", "3", "0"),
    EventKind.REJECTED: ("1", "1", "1"),
}


def encrypt(text: str, key: str, iv: str) -> str:
    """Base64 of AES-256-CBC with PKCS#7; key and iv are used as the text they are."""
    padder = padding.PKCS7(_BLOCK_BITS).padder()
    padded = padder.update(text.encode()) + padder.finalize()
    encryptor = Cipher(algorithms.AES(key.encode()), modes.CBC(iv.encode())).encryptor()
    return base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()


def notice(event: Event, layout: str) -> str | None:
    """The H0STCNI0/9 record of an event, fields joined by ``^``; None for what KIS does not tell (a busted trade).

    Layouts: ``26`` official, ``23-paper`` (field 18 is ``1Y``), ``23-2024`` (field 18 is the name).
    """
    flags = _FLAGS.get(event.kind)
    if flags is None:
        return None
    order = event.order
    traded, accepted, refused = flags
    shows_type = event.kind in {EventKind.ACCEPTED, EventKind.REJECTED}
    ordered = event.quantity if order.kind is not OrderKind.NEW and event.kind is not EventKind.EXECUTED else order.quantity
    price = 0 if order.kind is OrderKind.CANCEL else event.price
    head = [
        order.account.hts_id,
        order.account.number,
        order.order_number,
        order.original.order_number if order.original is not None and event.kind is not EventKind.EXECUTED else "",
        _SIDE_CODES[order.side],
        "0" if event.kind is EventKind.EXECUTED else _CHANGE_CODES[order.kind],
        _type_code(order) if shows_type else "00",
        CONDITION_CODES[order.condition],
        order.instrument.symbol,
        f"{event.quantity:010d}",
        f"{price:09d}",
        kst_time(event.at),
        refused,
        traded,
        accepted,
        BRANCH[order.account.environment],
        f"{ordered:09d}",
        order.account.name,
    ]
    name = order.instrument.name
    order_price = f"{order.price:09d}" if event.kind is EventKind.EXECUTED else ""
    match layout:
        case "23-paper":
            tail = ["1Y", "10", "", name, order_price]
        case "23-2024":
            tail = [name, "10", "", name, order_price]
        case _:
            # captures leave ODER_PRC empty on acceptance, but clients of the 26-field layout read it there
            tail = ["", _VENUE_CODES[order.venue], "Y", "", "10", "", name, f"{order.price:09d}"]
    return "^".join(head + tail)


def _type_code(order: Order) -> str:
    if order.type_code in ORDER_TYPES:
        return order.type_code
    return type_code_of(OrderType.LIMIT if order.kind is OrderKind.CANCEL else order.order_type, order.condition)


def trade(exchange: Exchange, instrument: Instrument, quantity: int, side: Side, at: datetime, *, width: int) -> str:
    """The H0STCNT0 record of a trade: 47 fields since 2026-09-14, 46 before."""
    tape = exchange.tapes[instrument.symbol]
    asks, bids = exchange.books[instrument.symbol].levels()
    reference = instrument.reference_price
    sign, change = change_sign(tape.last, instrument), str(tape.last - reference)
    hour = kst_time(at)
    fields = [
        instrument.symbol, hour, str(tape.last), sign, change, percent(tape.last - reference, reference),
        f"{tape.amount / tape.volume:.2f}", str(tape.open), str(tape.high), str(tape.low),
        str(asks[0][0] if asks else 0), str(bids[0][0] if bids else 0), str(quantity), str(tape.volume), str(tape.amount),
        "0", "0", "0", "100.00", "0", "0", "1" if side is Side.BUY else "5", "0.50", "100.00",
        "090000", sign, change, hour, sign, change, hour, sign, change, kst_date(at), "20", "N",
        str(asks[0][1] if asks else 0), str(bids[0][1] if bids else 0),
        str(sum(size for _, size in asks)), str(sum(size for _, size in bids)),
        "0.00", "0", "0.00", "0", "", str(reference), "2",
    ]  # fmt: skip
    return "^".join(fields[:width])


def book(exchange: Exchange, instrument: Instrument, at: datetime, *, width: int, is_consolidated: bool = False) -> str:
    """The H0STASP0 record of a book: 63 fields since 2026-09-14, 59 before.

    The consolidated one has a mid-price block for each venue instead of the one (official sample: 65 fields), and the market field.
    """
    tape = exchange.tapes[instrument.symbol]
    sides = exchange.books[instrument.symbol].levels()
    asks, bids = ([*side, *[(0, 0)] * (_DEPTH - len(side))] for side in sides)
    ask_total, bid_total = (sum(size for _, size in side) for side in sides)
    change = tape.last - instrument.reference_price
    middle = (asks[0][0] + bids[0][0]) // 2 if asks[0][0] and bids[0][0] else 0
    fields = [
        instrument.symbol, kst_time(at), "0",
        *(str(price) for price, _ in asks), *(str(price) for price, _ in bids),
        *(str(size) for _, size in asks), *(str(size) for _, size in bids),
        str(ask_total), str(bid_total), "0", "0",
        "0", "0", "0", str(change), change_sign(tape.last, instrument), percent(change, instrument.reference_price),
        str(tape.volume), "0", "0", "0", "0", "0",
    ]  # fmt: skip
    middle_block = [str(middle), "0", "0"]
    if width > len(fields):
        fields += [*middle_block, *middle_block, "2"] if is_consolidated else [*middle_block, "2"]
    return "^".join(fields)
