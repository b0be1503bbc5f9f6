"""LS's websocket: one account's execution notices.

No log-in: every request carries the token. Registering one of SC0 to SC4 as an account event turns on all five. LS has no heartbeat of its
own, so a dead line shows by protocol pings. What an open socket does when its token ends (07:00 KST) or is replaced by a newer one is not
documented, and it could go silent: the stream compares its token with the shared one from time to time and ends itself when they differ.

Acknowledgements may hold credentials: they are neither handed on nor logged. Events tell the time of day without the day, so the KST day
of arrival is put into each frame that is handed on.
"""

import asyncio
import re
from collections.abc import AsyncIterator

import msgspec
import structlog
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

from api.brokers.base import Credentials
from api.brokers.errors import BrokerError, BrokerRejected, BrokerTokenExpired, BrokerUnavailable
from api.brokers.ls import codes
from api.brokers.ls.codes import LS
from api.brokers.ls.messages import Frame, FrameHeader, Register, RegisterBody, RegisterHeader
from api.brokers.ls.rest import LsRest
from api.kit.clock import Clock, kst_day

log = structlog.get_logger()

_OPEN_SECONDS = 5.0
_ACK_SECONDS = 5.0
_CLOSE_SECONDS = 2.0
_PING_SECONDS = 30.0  # as the original system pings
_PONG_SECONDS = 10.0
_TOKEN_CHECK_SECONDS = 20.0
_PASSWORD = re.compile(r'("passwd"\s*:\s*)"[^"]*"')
_BLANK = r'\1""'
_encode = msgspec.json.Encoder()
_decode_frame = msgspec.json.Decoder(Frame)


class LsStream:
    """An open, registered stream; implements `ExecutionStream`."""

    def __init__(self, socket: ClientConnection, rest: LsRest, token: str, early: list[str], clock: Clock) -> None:
        self._socket = socket
        self._rest = rest
        self._token = token
        self._early = early
        self._clock = clock

    @property
    def quotes(self) -> None:
        """Not read from LS's feed (``S3_``, ``K3_``): KIS's tells the same exchange."""
        return None

    async def frames(self) -> AsyncIterator[str]:
        """Yield SC0 to SC4 as JSON text, with the KST day of arrival as ``trading_day`` in front.

        Raises:
            BrokerUnavailable: The line broke, no pong came back, LS refused later on, or the token is no longer the shared one.
        """
        for text in self._early:
            yield text
        self._early = []
        check_at = self._clock.monotonic() + _TOKEN_CHECK_SECONDS
        while True:
            now = self._clock.monotonic()
            if now >= check_at:
                await self._require_current_token()
                check_at = now + _TOKEN_CHECK_SECONDS
            try:
                async with asyncio.timeout(_TOKEN_CHECK_SECONDS):
                    text = await _receive(self._socket)
            except TimeoutError:
                continue
            header = _header(text)
            if header is None:
                continue
            if header.tr_cd in codes.NOTICE_TRS:
                yield handed_on(text, self._clock)
            elif header.rsp_cd is not None and header.rsp_cd != codes.ACK_OK:
                raise BrokerUnavailable(LS, sent=True, reason=f"websocket: {header.rsp_cd} {header.rsp_msg or ''}".strip())

    async def aclose(self) -> None:
        """Close. There is no unregistering first: LS remembers nothing of a closed line, and whether it would count for this line alone or
        also for one that another worker has opened for the account meanwhile is not known.
        """
        await self._socket.close()

    async def _require_current_token(self) -> None:
        try:
            current = await self._rest.token(valid_for_seconds=0)
        except BrokerError as error:
            log.warning("ls_stream_token_not_compared", problem=str(error))
            return
        if current != self._token:
            raise BrokerUnavailable(LS, sent=True, reason="websocket: the access token was replaced")


async def open_stream(credentials: Credentials, url: str, rest: LsRest, clock: Clock) -> LsStream:
    """Connect, register, and wait for the acknowledgement.

    Args:
        credentials: Of the account; its token decides whose events come.
        url: Address of the websocket server, without path.
        rest: For the token.
        clock: Tells the day that is put into the frames.

    Raises:
        BrokerRejected: LS refuses the registration, e.g. 10001: the server is not of the token's environment.
        BrokerTokenExpired: It refused two tokens in a row.
        BrokerUnavailable: No connection, or no acknowledgement in time.
    """
    token = await rest.token()
    try:
        stream = await _open_with(token, url, rest, clock)
    except BrokerTokenExpired:
        await rest.drop_token(token)
        token = await rest.token()
        stream = await _open_with(token, url, rest, clock)
    log.info("ls_stream_open", broker=LS, account_id=credentials.account_id)
    return stream


def handed_on(text: str, clock: Clock) -> str:
    """A frame as the inbox keeps it: with the day, and without the account password field of SC0."""
    return f'{{"trading_day":"{kst_day(clock.now())}",{_PASSWORD.sub(_BLANK, text.lstrip()[1:])}'


async def _open_with(token: str, url: str, rest: LsRest, clock: Clock) -> LsStream:
    try:
        socket = await connect(
            url + codes.WEBSOCKET_PATH,
            open_timeout=_OPEN_SECONDS,
            close_timeout=_CLOSE_SECONDS,
            ping_interval=_PING_SECONDS,
            ping_timeout=_PONG_SECONDS,
            compression=None,
            proxy=None,  # a proxy of the environment must not see the token
        )
    except (OSError, TimeoutError, InvalidHandshake, InvalidMessage) as error:
        raise BrokerUnavailable(LS, sent=False, reason=f"websocket: {type(error).__name__}") from error
    try:
        early = await _register(socket, token, clock)
    except BaseException:
        await socket.close()
        raise
    return LsStream(socket, rest, token, early, clock)


async def _register(socket: ClientConnection, token: str, clock: Clock) -> list[str]:
    """Register for account events; notices that overtake the acknowledgement are kept and returned."""
    early: list[str] = []
    try:
        async with asyncio.timeout(_ACK_SECONDS):
            await socket.send(_registration(token))
            while True:
                text = await _receive(socket)
                header = _header(text)
                if header is None:
                    continue
                if header.tr_cd in codes.NOTICE_TRS and header.rsp_cd is None:
                    early.append(handed_on(text, clock))
                elif header.rsp_cd == codes.ACK_OK:
                    return early
                elif header.rsp_cd is not None:
                    raise _refusal(header.rsp_cd.strip(), (header.rsp_msg or "").strip())
    except TimeoutError as error:
        raise BrokerUnavailable(LS, sent=True, reason="websocket: no acknowledgement") from error
    except ConnectionClosed as error:
        raise BrokerUnavailable(LS, sent=True, reason="websocket: closed") from error


def _refusal(code: str, message: str) -> BrokerError:
    # which codes LS sends here for a bad token is not known; those of REST are understood
    if code in codes.TOKEN_REFUSED:
        return BrokerTokenExpired(LS, code)
    return BrokerRejected(LS, code, message)


async def _receive(socket: ClientConnection) -> str:
    try:
        message = await socket.recv()
    except ConnectionClosed as error:
        raise BrokerUnavailable(LS, sent=True, reason="websocket: closed") from error
    return message if isinstance(message, str) else message.decode("utf-8", "replace")


def _header(text: str) -> FrameHeader | None:
    """None for a text that is no frame: it is passed over, and what it may have told the next reconciliation finds."""
    try:
        return _decode_frame.decode(text).header
    except (msgspec.DecodeError, UnicodeError, RecursionError):  # its text is not logged: it could be an acknowledgement
        log.warning("ls_stream_text_unreadable", broker=LS, length=len(text))
        return None


def _registration(token: str) -> str:
    request = Register(header=RegisterHeader(token=token, tr_type=codes.REGISTER), body=RegisterBody(tr_cd=codes.REGISTERED_TR))
    return _encode.encode(request).decode()
