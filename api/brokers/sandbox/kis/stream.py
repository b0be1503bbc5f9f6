"""The KIS websocket: subscriptions by approval key, PINGPONG, encrypted fill notices, trades.

One session per app key, 41 registrations on it. The notice TR covers every account of an HTS id. One iv/key pair per connection
serves all its TRs, since some clients keep a single one; as a variant each subscription gets its own.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from datetime import datetime

import msgspec
from aiohttp import WSMsgType, web

from ..doors import Doors
from ..model import Account, Broker, Environment, Event, EventKind, OrderKind
from ..session import KST
from ..sockets import Connection
from . import frames
from .feeds import BOOK_TRS, Feeds
from .sessions import Cipher, Session
from .tokens import KisTokens

_MAX_REGISTRATIONS = 41
_PING_SECONDS = 10.0
_PING_CHECK_SECONDS = 1.0
_NOTICE_TRS = {Environment.REAL: "H0STCNI0", Environment.PAPER: "H0STCNI9"}
_OVERSEAS_NOTICE_TRS = {"H0GSCNI0", "H0GSCNI9"}  # silent: nothing is traded abroad
# what paper has too, and what it lacks; see `feeds` for what is sent, the others stay silent
_SYMBOL_TRS = {"H0STCNT0", "H0STASP0"}
_REAL_SYMBOL_TRS = {"H0STANC0", "H0STMKO0", "H0NXCNT0", "H0UNCNT0", "H0NXASP0", "H0UNASP0", "H0NXMKO0", "H0UNMKO0"}
_SUBSCRIBE, _UNSUBSCRIBE = "1", "2"
_json = msgspec.json


class _Refused(Exception):
    """A subscription that is turned down. ``drops`` ends the TCP connection without a close frame."""

    def __init__(self, code: str, message: str, *, rt_cd: str = "9", is_anonymous: bool = True, drops: bool = False) -> None:
        super().__init__(message)
        self.code, self.message, self.rt_cd, self.is_anonymous, self.drops = code, message, rt_cd, is_anonymous, drops


class KisStream:
    """All websocket sessions of the KIS door."""

    def __init__(self, doors: Doors, tokens: KisTokens) -> None:
        self._doors = doors
        self._tokens = tokens
        self._sockets = doors.sockets[Broker.KIS]
        self._sessions: list[Session] = []
        self._tasks: set[asyncio.Task[None]] = set()
        doors.known_variants |= {
            "kis_notice_layout": ("26", "23-paper", "23-2024"),
            "kis_ack_encrypt": ("Y", "N"),
            "kis_change_receipts": ("off", "on"),
            "kis_frame_records": ("one", "many"),
            "kis_cipher": ("connection", "subscription"),
            "kis_silence_seconds": ("tolerated", "1", "30", "60"),  # how long a client may say nothing; the real limit is unknown
        }
        self._feeds = Feeds(doors, self._sessions)
        doors.exchange.subscribe(self._on_event)

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one connection until it ends."""
        socket = web.WebSocketResponse(compress=False, autoping=False)
        await socket.prepare(request)
        loop = asyncio.get_running_loop()
        session = Session(Connection(request, socket), loop.time())
        self._sockets.connections.add(session.connection)
        self._sessions.append(session)
        pinger = asyncio.create_task(self._ping_when_idle(session))
        try:
            async for message in socket:
                session.last_heard_at = loop.time()
                if message.type is WSMsgType.PING:
                    await socket.pong(message.data)
                elif message.type is WSMsgType.TEXT and not session.connection.is_closed:
                    self._on_message(session, message.data)
        finally:
            self._sessions.remove(session)
            self._sockets.connections.discard(session.connection)
            pinger.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await pinger
            await session.connection.close()
        return socket

    # --- requests --------------------------------------------------------------------------------------------------

    def _on_message(self, session: Session, text: str) -> None:
        header: Mapping[str, object] = {}
        tr_id = tr_key = ""
        try:
            header, tr_id, tr_key = _parse(text)
            if tr_id == "PINGPONG":
                return
            self._register(session, header, tr_id, tr_key)
        except _Refused as refusal:
            shown = {"tr_id": "(null)"} if refusal.is_anonymous else {"tr_id": tr_id, "tr_key": tr_key, "encrypt": "N"}
            body = {"rt_cd": refusal.rt_cd, "msg_cd": refusal.code, "msg1": refusal.message}
            session.connection.push(_json.encode({"header": shown, "body": body}).decode())
            if refusal.drops:
                task = asyncio.create_task(_drop_when_told(session.connection))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    def _register(self, session: Session, header: Mapping[str, object], tr_id: str, tr_key: str) -> None:
        account = self._approve(session, str(header.get("approval_key", "")))
        tr_type = str(header.get("tr_type", ""))
        if tr_type not in {_SUBSCRIBE, _UNSUBSCRIBE}:
            raise _Refused("OPSP8997", "SUBSCRIBE ERROR : invalid tr_type")
        if "custtype" not in header:
            raise _Refused("OPSP9997", "JSON PARSING ERROR : custtype not found")
        if str(header["custtype"]) not in {"P", "B"}:
            raise _Refused("OPSP8998", "SUBSCRIBE ERROR : invalid custtype")
        if header["custtype"] == "B" and not header.get("personalseckey"):
            raise _Refused("OPSP8994", "SUBSCRIBE ERROR : personalseckey not found")
        self._check_target(account, tr_id, tr_key)
        registration = (tr_id, tr_key)
        if tr_type == _UNSUBSCRIBE:
            if registration not in session.registrations:
                raise _Refused("OPSP0003", "UNSUBSCRIBE ERROR(not found!)", rt_cd="1", is_anonymous=False)
            cipher = session.registrations.pop(registration)
            self._acknowledge(session, registration, cipher, "OPSP0001", "UNSUBSCRIBE SUCCESS")
            return
        if registration in session.registrations:
            raise _Refused("OPSP0002", "ALREADY IN SUBSCRIBE", rt_cd="1", is_anonymous=False)
        if len(session.registrations) >= _MAX_REGISTRATIONS:
            raise _Refused("OPSP0008", "MAX SUBSCRIBE OVER", rt_cd="1", is_anonymous=False)
        cipher = session.cipher if self._doors.variant("kis_cipher") == "connection" else Cipher.fresh()
        session.registrations[registration] = cipher
        self._acknowledge(session, registration, cipher, "OPSP0000", "SUBSCRIBE SUCCESS")
        if tr_id in BOOK_TRS:
            self._feeds.watch()

    def _approve(self, session: Session, approval_key: str) -> Account:
        app_key = self._tokens.approved(approval_key)
        account = self._doors.exchange.account_by_key(app_key) if app_key is not None else None
        if account is None:
            raise _Refused("OPSP0011", "invalid approval : NOT FOUND")
        for other in self._sessions:
            if other is not session and other.account is not None and other.account.app_key == app_key and other.registrations:
                raise _Refused("OPSP8996", "ALREADY IN USE appkey")
        session.account = account
        return account

    def _check_target(self, account: Account, tr_id: str, tr_key: str) -> None:
        # python-kis asks the real server for a paper account's overseas notices, with its real key and the HTS ID of the other
        if tr_id in _OVERSEAS_NOTICE_TRS:
            return
        if tr_id == _NOTICE_TRS[account.environment]:
            if tr_key != account.hts_id:
                raise _Refused("OPSP0017", "htsid is wrong", drops=True)
            return
        is_known = tr_id in _SYMBOL_TRS or (tr_id in _REAL_SYMBOL_TRS and account.environment is Environment.REAL)
        if not is_known:
            raise _Refused("OPSP8991", "SUBSCRIBE ERROR : invalid tr_id")
        if tr_key not in self._doors.exchange.instruments:
            raise _Refused("OPSP8992", "SUBSCRIBE ERROR : invalid tr_key")

    def _acknowledge(self, session: Session, registration: tuple[str, str], cipher: Cipher, code: str, message: str) -> None:
        tr_id, tr_key = registration
        encrypted = self._doors.variant("kis_ack_encrypt") if tr_id in _NOTICE_TRS.values() else "N"
        body = {"rt_cd": "0", "msg_cd": code, "msg1": message, "output": {"iv": cipher.iv, "key": cipher.key}}
        header = {"tr_id": tr_id, "tr_key": tr_key, "encrypt": encrypted}
        session.connection.push(_json.encode({"header": header, "body": body}).decode())

    # --- data ------------------------------------------------------------------------------------------------------

    def _on_event(self, event: Event) -> None:
        order = event.order
        if order.broker is not Broker.KIS:
            return
        if event.kind is EventKind.ACCEPTED and order.kind is not OrderKind.NEW and self._doors.variant("kis_change_receipts") == "off":
            return  # whether KIS tells of a change it has merely received is unsure
        text = frames.notice(event, self._doors.variant("kis_notice_layout"))
        if text is None:
            return
        registration = (_NOTICE_TRS[order.account.environment], order.account.hts_id)

        def send() -> None:
            if self._sockets.is_muted:
                return
            together = self._doors.variant("kis_frame_records") == "many"
            for session in self._sessions:
                if registration in session.registrations:
                    session.deliver(registration, text, encrypted=True, together=together)

        self._doors.notices.dispatch(Broker.KIS, send)

    # --- life ------------------------------------------------------------------------------------------------------

    async def _ping_when_idle(self, session: Session) -> None:
        """PINGPONG every ten seconds while nothing else flows. A client that says nothing is left alone unless a test wants otherwise:
        some never answer, others with a PONG frame or the text itself."""
        loop = asyncio.get_running_loop()
        connection = session.connection
        while not connection.is_closed:
            await asyncio.sleep(_PING_CHECK_SECONDS)
            patience = self._doors.variant("kis_silence_seconds")
            if patience != "tolerated" and loop.time() - session.last_heard_at > float(patience):
                connection.abort()
            elif loop.time() - connection.last_sent_at >= _PING_SECONDS:
                stamp = datetime.now(KST).strftime("%Y%m%d%H%M%S")
                connection.push(_json.encode({"header": {"tr_id": "PINGPONG", "datetime": stamp}}).decode())


def _parse(text: str) -> tuple[Mapping[str, object], str, str]:
    """Header, tr_id and tr_key of a client's frame."""
    try:
        frame = _json.decode(text)
    except msgspec.DecodeError:
        raise _Refused("OPSP9999", "JSON PARSING ERROR : invalid json") from None
    header = frame.get("header") if isinstance(frame, dict) else None
    if not isinstance(header, dict):
        raise _Refused("OPSP9998", "JSON PARSING ERROR : header not found")
    if header.get("tr_id") == "PINGPONG":
        return header, "PINGPONG", ""
    body = frame.get("body")
    if not isinstance(body, dict):
        raise _Refused("OPSP9992", "JSON PARSING ERROR : body not found")
    target = body.get("input")
    if not isinstance(target, dict):
        raise _Refused("OPSP9991", "JSON PARSING ERROR : input not found")
    tr_id, tr_key = target.get("tr_id"), target.get("tr_key")
    if not isinstance(tr_id, str):
        raise _Refused("OPSP8991", "SUBSCRIBE ERROR : invalid tr_id")
    if tr_key is None:
        raise _Refused("OPSP9990", "JSON PARSING ERROR : tr_key not found")
    if not isinstance(tr_key, str):
        raise _Refused("OPSP8993", "JSON PARSING ERROR : invalid tr_key")
    return header, tr_id, tr_key


async def _drop_when_told(connection: Connection) -> None:
    await connection.drained()
    connection.abort()
