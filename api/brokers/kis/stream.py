"""KIS's websocket: one account's execution notices, and trades of instruments beside them (`feed`).

One session per app key, plain ``ws``. The server sends ``PINGPONG`` about every ten seconds while nothing else flows and may not answer
protocol pings, so those are switched off and silence is judged by what arrives. Notices come encrypted with material that each
subscription's acknowledgement brings; a frame's first character tells, the acknowledgement's ``encrypt`` flag does not.

A text that cannot be read never ends a stream: a data frame is handed on as it came, so that it is stored, reported and made up for by the
inquiry; anything else is logged. Only several frames in a row that the key does not open do, since a new subscription brings a new key.
"""

import asyncio
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import AsyncIterator

import msgspec
import structlog
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

from api.brokers.base import Credentials
from api.brokers.errors import BrokerProtocolError, BrokerRejected, BrokerUnavailable
from api.brokers.kis.codes import BAD_APPROVAL, STREAM_REFUSED, SUBSCRIBED, Tr, tr_id
from api.brokers.kis.envelope import KIS
from api.brokers.kis.feed import KisQuoteFeed
from api.brokers.kis.messages import CipherParts, Control, Subscribe, SubscribeBody, SubscribeHeader, SubscribeInput
from api.brokers.kis.rest import KisRest
from api.kit.clock import Clock, kst_day

log = structlog.get_logger()

_TRADES = f"0|{Tr.TRADES}|"
_PATH = "/tryitout"  # as the official sample connects; the bare root works too
_OPEN_SECONDS = 5.0
_CLOSE_SECONDS = 2.0
_MUTE_SECONDS = 30.0  # heartbeats were seen 10 to 14 s apart
_LONGEST_PONG = 100
_MOST_UNOPENED = 3
_LOGGED_CHARACTERS = 500
_AES_BLOCK_BITS = 128
_encode = msgspec.json.Encoder()
_decode_control = msgspec.json.Decoder(Control)


class FrameCipher:
    """AES-256-CBC with PKCS#7; key and iv are used as the UTF-8 bytes of the text that KIS sends."""

    def __init__(self, parts: CipherParts) -> None:
        self._cipher = Cipher(algorithms.AES(parts.key.encode()), modes.CBC(parts.iv.encode()))

    def decrypt(self, payload: str) -> str:
        """Clear text of a base64 payload; `ValueError` where it does not fit the key."""
        try:
            encrypted = b64decode(payload, validate=True)
        except Base64Error as error:
            raise ValueError("not base64") from error
        decryptor = self._cipher.decryptor()
        padded = decryptor.update(encrypted) + decryptor.finalize()
        unpadder = PKCS7(_AES_BLOCK_BITS).unpadder()
        return (unpadder.update(padded) + unpadder.finalize()).decode()


class KisStream:
    """An open, subscribed stream; implements `ExecutionStream`."""

    def __init__(
        self,
        socket: ClientConnection,
        credentials: Credentials,
        approval_key: str,
        cipher: FrameCipher,
        early: list[str],
        clock: Clock,
    ) -> None:
        self._socket = socket
        self._credentials = credentials
        self._account_id = credentials.account_id
        self._approval_key = approval_key
        self._cipher = cipher
        self._early = early
        self._clock = clock
        self._unopened = 0
        self._feed = KisQuoteFeed(self._ask_for_trades)

    @property
    def quotes(self) -> KisQuoteFeed:
        """Trades of KRX in the slots that the notices leave."""
        return self._feed

    async def frames(self) -> AsyncIterator[str]:
        """Yield execution frames, decrypted where the key opens them, with the KST day in front (see `notices`).

        Raises:
            BrokerUnavailable: The line broke, was silent for 30 s, or brought several frames in a row that the key does not open.
        """
        for text in self._early:
            yield self._clear(text)
        self._early = []
        while True:
            text = await _receive(self._socket, _MUTE_SECONDS)
            if text.startswith(_TRADES):
                self._feed.take_frame(text)
            elif text[:1] in ("0", "1"):
                yield self._clear(text)
                if self._unopened >= _MOST_UNOPENED:
                    raise BrokerUnavailable(KIS, sent=True, reason=f"{self._unopened} notices could not be decrypted")
            elif (control := await _read_control(self._socket, text)) is not None and control.body is not None:
                if control.header.tr_id == Tr.TRADES:
                    self._feed.take_answer(control)
                else:
                    log.warning("kis_stream_message", account_id=self._account_id, code=control.body.msg_cd, message=control.body.msg1)

    async def aclose(self) -> None:
        """Unsubscribe and close; never raises for a line that is broken already."""
        tr = tr_id(Tr.NOTICES, self._credentials.environment)
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._socket.send(_request(self._approval_key, "2", tr, self._credentials.hts_id))
                await self._feed.aclose()
        except (ConnectionClosed, BrokerUnavailable, TimeoutError):
            pass
        await self._socket.close()

    async def _ask_for_trades(self, kind: str, symbol: str) -> None:
        try:
            await self._socket.send(_request(self._approval_key, kind, Tr.TRADES, symbol))
        except ConnectionClosed as error:
            raise BrokerUnavailable(KIS, sent=True, reason="websocket: closed") from error

    def _clear(self, frame: str) -> str:
        day = kst_day(self._clock.now()).strftime("%Y%m%d")
        if frame[0] == "0":
            return f"{day}|{frame}"
        try:
            _, tr, count, payload = frame.split("|", 3)
            opened = self._cipher.decrypt(payload)
        except ValueError as error:  # also UnicodeDecodeError
            self._unopened += 1
            log.warning("kis_frame_unreadable", account_id=self._account_id, length=len(frame), problem=str(error))
            return f"{day}|{frame}"
        self._unopened = 0
        return f"{day}|0|{tr}|{count}|{opened}"


async def open_stream(credentials: Credentials, url: str, rest: KisRest, clock: Clock) -> KisStream:
    """Connect, subscribe to the account's notices, and wait for the acknowledgement.

    Raises:
        BrokerRejected: KIS does not know the HTS id, or the TR: repeating does not help.
        BrokerUnavailable: No connection or no acknowledgement; also while another session holds the app key (OPSP8996), which
            KIS may believe for a while after a cut connection.
    """
    approval_key = await rest.approval_key()
    try:
        return await _open_once(credentials, url, approval_key, clock)
    except _ApprovalRefused:
        await rest.drop_approval_key(approval_key)
    try:
        return await _open_once(credentials, url, await rest.approval_key(), clock)
    except _ApprovalRefused as error:
        raise BrokerUnavailable(KIS, sent=True, reason=str(error)) from error


class _ApprovalRefused(Exception):
    pass


async def _open_once(credentials: Credentials, url: str, approval_key: str, clock: Clock) -> KisStream:
    try:
        socket = await connect(
            url + _PATH, ping_interval=None, open_timeout=_OPEN_SECONDS, close_timeout=_CLOSE_SECONDS, compression=None, proxy=None
        )
    except (OSError, TimeoutError, InvalidHandshake, InvalidMessage) as error:
        raise BrokerUnavailable(KIS, sent=False, reason=f"websocket: {type(error).__name__}") from error
    tr = tr_id(Tr.NOTICES, credentials.environment)
    try:
        async with asyncio.timeout(_OPEN_SECONDS):
            await socket.send(_request(approval_key, "1", tr, credentials.hts_id))
            cipher, early = await _acknowledgement(socket, tr)
    except TimeoutError as error:
        await socket.close()
        raise BrokerUnavailable(KIS, sent=True, reason="websocket: no acknowledgement") from error
    except ConnectionClosed as error:
        raise BrokerUnavailable(KIS, sent=True, reason="websocket: closed while subscribing") from error
    except BaseException:
        await socket.close()
        raise
    log.info("kis_stream_open", tr_id=tr, account_id=credentials.account_id)
    return KisStream(socket, credentials, approval_key, cipher, early, clock)


async def _acknowledgement(socket: ClientConnection, tr: str) -> tuple[FrameCipher, list[str]]:
    early: list[str] = []  # notices that overtake the acknowledgement
    while True:
        text = await _receive(socket, _OPEN_SECONDS)
        if text[:1] in ("0", "1"):
            early.append(text)
            continue
        control = await _read_control(socket, text)
        if control is None or control.body is None:
            continue
        body = control.body
        if body.rt_cd == "0" and body.msg_cd == SUBSCRIBED:
            if control.header.tr_id != tr:
                continue
            if body.output is None or len(body.output.key.encode()) != 32 or len(body.output.iv.encode()) != 16:  # AES-256
                raise BrokerProtocolError(KIS, tr, "output", "no key of 32 and iv of 16 characters")
            return FrameCipher(body.output), early
        # an error may carry the TR id "(null)"; nothing else was asked on this connection, so it is ours. OPSP0002 (already
        # subscribed) would leave us without the key, so a new connection is needed then too.
        if body.msg_cd in BAD_APPROVAL:
            raise _ApprovalRefused(f"{body.msg_cd} {body.msg1}".strip())
        if body.msg_cd in STREAM_REFUSED:
            raise BrokerRejected(KIS, body.msg_cd, body.msg1.strip())
        raise BrokerUnavailable(KIS, sent=True, reason=f"websocket: {body.msg_cd} {body.msg1}".strip())


async def _read_control(socket: ClientConnection, text: str) -> Control | None:
    """Answer a heartbeat (None); give any other control message back. What is none is logged and passed over (None)."""
    try:
        control = _decode_control.decode(text)
    except msgspec.DecodeError as error:
        log.warning("kis_stream_text_unreadable", text=text[:_LOGGED_CHARACTERS], problem=str(error))
        return None
    if control.header.tr_id != "PINGPONG":
        return control
    try:
        if len(text) <= _LONGEST_PONG:
            await socket.pong(text.encode())  # as the official sample answers
        else:
            await socket.send(text)  # as most clients answer; a control frame cannot carry it
    except ConnectionClosed as error:
        raise BrokerUnavailable(KIS, sent=True, reason="websocket: closed") from error
    return None


async def _receive(socket: ClientConnection, seconds: float) -> str:
    try:
        async with asyncio.timeout(seconds):
            message = await socket.recv()
    except TimeoutError as error:
        raise BrokerUnavailable(KIS, sent=True, reason=f"websocket: silent for {seconds:.0f} s") from error
    except ConnectionClosed as error:
        raise BrokerUnavailable(KIS, sent=True, reason="websocket: closed") from error
    return message if isinstance(message, str) else message.decode(errors="replace")


def _request(approval_key: str, kind: str, tr: str, key: str) -> str:
    header = SubscribeHeader(approval_key=approval_key, custtype="P", tr_type=kind)
    return _encode.encode(Subscribe(header=header, body=SubscribeBody(input=SubscribeInput(tr_id=tr, tr_key=key)))).decode()
