"""LS's websocket: no login; every client message carries the token. ``tr_type`` 1/2 turns the account's order notices on and off,
3/4 a market data key. Any one of SC0 to SC4 turns all five on; registering more of them delivers nothing twice.

What LS answers to a bad token on the websocket was never shown: the sandbox sends an ACK with the REST code of the refusal.
Nor is it known what becomes of an open socket when its token ends: here it goes on, only new registrations need a live token.
LS has a port for each environment and answers 10001 to a token of the other; the sandbox's one port serves both, unless the variant
``ls_websocket_environment`` names one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from aiohttp import WSMsgType, web

from ..doors import Doors
from ..model import Broker, Event
from ..sockets import Connection
from .feeds import Feeds
from .frames import Frames
from .gateway import encode
from .market import MarketDesk
from .tokens import TokenRefused, Tokens

_ACCOUNT_ON, _ACCOUNT_OFF, _MARKET_ON, _MARKET_OFF = "1", "2", "3", "4"
_NOTICES = {"SC0", "SC1", "SC2", "SC3", "SC4"}
_ENVIRONMENT = "ls_websocket_environment"
_WRONG_ENVIRONMENT = ("10001", "접속 환경이 다릅니다.")  # the code was seen at the paper port, its words were not
_ACKNOWLEDGED = ("00000", "정상처리되었습니다")
_MAX_MESSAGE_BYTES = 65_536


@dataclass(slots=True, frozen=True)
class _Registration:
    tr_type: str
    tr_cd: str
    tr_key: str
    token: str


class Stream:
    """All websockets of the LS front door, and who listens to what on them."""

    def __init__(self, doors: Doors, tokens: Tokens, market: MarketDesk) -> None:
        self._doors = doors
        self._tokens = tokens
        self._sockets = doors.sockets[Broker.LS]
        self._frames = Frames()
        self._by_account: defaultdict[str, set[Connection]] = defaultdict(set)
        self._feeds = Feeds(doors, market, self._sender)
        doors.known_variants[_ENVIRONMENT] = ("any", "real", "paper")
        doors.exchange.subscribe(self.on_event)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One connection, from the handshake to its end."""
        socket = web.WebSocketResponse(compress=False, max_msg_size=_MAX_MESSAGE_BYTES)
        await socket.prepare(request)
        connection = Connection(request, socket)
        self._sockets.connections.add(connection)
        try:
            async for message in socket:
                if message.type in {WSMsgType.TEXT, WSMsgType.BINARY}:
                    self._on_message(connection, message.data)
        finally:
            self._forget(connection)
            await connection.close()
        return socket

    def _forget(self, connection: Connection) -> None:
        self._sockets.connections.discard(connection)
        self._feeds.forget(connection)
        for listeners in self._by_account.values():
            listeners.discard(connection)

    def _on_message(self, connection: Connection, data: str | bytes) -> None:
        registration = _read(data)
        if registration is None or registration.tr_type not in {
            _ACCOUNT_ON,
            _ACCOUNT_OFF,
            _MARKET_ON,
            _MARKET_OFF,
        }:
            return  # an unreadable message or an unknown TR gets no answer
        try:
            account = self._tokens.account_of(registration.token)
        except TokenRefused as refused:
            connection.push(_ack(registration, refused.answer.code, refused.answer.message))
            return
        if self._doors.variant(_ENVIRONMENT) not in {"any", account.environment}:
            connection.push(_ack(registration, *_WRONG_ENVIRONMENT))
            return
        self._apply(connection, registration, account.number)
        connection.push(_ack(registration, *_ACKNOWLEDGED))

    def _apply(self, connection: Connection, registration: _Registration, account_number: str) -> None:
        match registration.tr_type:
            case "1" if registration.tr_cd in _NOTICES:
                self._by_account[account_number].add(connection)
            case "2" if registration.tr_cd in _NOTICES:
                self._by_account[account_number].discard(connection)
            case "3":  # SC0 to SC4 registered as market data: acknowledged, but silent
                self._feeds.add(connection, registration.tr_cd, registration.tr_key.strip())
            case "4":
                self._feeds.discard(connection, registration.tr_cd, registration.tr_key.strip())

    def on_event(self, event: Event) -> None:
        """Tell the owner's connections of an order event."""
        if event.order.broker is not Broker.LS:
            return
        frame = self._frames.render(event)
        if frame is not None:
            listeners = self._by_account[event.order.account.number]
            self._doors.notices.dispatch(Broker.LS, self._sender(listeners, frame))

    def _sender(self, listeners: set[Connection], frame: str) -> Callable[[], None]:
        def send() -> None:
            if not self._sockets.is_muted:
                for connection in listeners:
                    connection.push(frame)

        return send


def _read(data: str | bytes) -> _Registration | None:
    try:
        message = msgspec.json.decode(data)
    except msgspec.DecodeError:
        return None
    header, body = (message.get("header"), message.get("body")) if isinstance(message, dict) else (None, None)
    if not isinstance(header, dict) or not isinstance(body, dict):
        return None
    return _Registration(
        _text(header, "tr_type"),
        _text(body, "tr_cd"),
        _text(body, "tr_key"),
        _text(header, "token"),
    )


def _text(block: dict[str, Any], name: str) -> str:
    value = block.get(name)
    return str(value) if isinstance(value, str | int) else ""


def _ack(registration: _Registration, code: str, message: str) -> str:
    header: dict[str, str | None] = {
        "tr_type": registration.tr_type,
        "tr_cd": None,
        "rsp_cd": code,
        "rsp_msg": message,
    }
    if registration.tr_type in {_MARKET_ON, _MARKET_OFF}:
        # clients read the TR from here; an account registration's was seen to be null
        header |= {"tr_cd": registration.tr_cd, "tr_key": registration.tr_key}
    return encode({"header": header, "body": None}).decode()
