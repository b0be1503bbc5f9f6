"""One account's HTTP calls to LS: token, call limit, one send, and what may be repeated.

An order is sent again only after proof that nothing was done: no connection, the gateway's rate refusal (IGW00201), one token refusal.
Inquiries are asked again a few times when LS does not answer.

Choice: a failure to get a token or a place under the call limit is told as ``sent=False``, whatever the token request itself met: the order
had not left.
"""

import asyncio
import random
import re
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager

import httpx
import msgspec
import structlog
from msgspec import Struct

from api.brokers.base import CallClass, Credentials
from api.brokers.errors import (
    BrokerError,
    BrokerProtocolError,
    BrokerRateLimited,
    BrokerRejected,
    BrokerTokenExpired,
    BrokerUnavailable,
)
from api.brokers.limits import RANKS, longest_wait
from api.brokers.ls import codes
from api.brokers.ls.codes import LS, Tr
from api.brokers.ls.envelope import Answer, Verdict, read_answer
from api.brokers.ls.fields import decode, problem
from api.brokers.ls.limits import CALL_CLASSES, CALL_LIMITS, DEFAULT_KEPT_SECONDS, KEPT_SECONDS, REFUSAL_PAUSE_SECONDS
from api.brokers.ls.messages import TokenAnswer
from api.brokers.ls.parse import next_token_end, token_expiry
from api.brokers.tokens import IssuedToken, TokenKey, TokenStore, key_fingerprint
from api.kit.asker import asker
from api.kit.call_scheduler import CallScheduler, PastDeadline, Place, SchedulerUnavailable
from api.kit.clock import Clock
from api.kit.departure import last_look
from api.kit.merged_reads import MergedReads

log = structlog.get_logger()

_CONNECT_SECONDS = 3.0
_ORDER_SECONDS = 10.0
_INQUIRY_SECONDS = 7.0
_WHOLE_ANSWER_SECONDS = 20.0  # httpx bounds each read, not their sum: a server that trickles must not hold an order forever
_INQUIRY_DEADLINE_SECONDS = 15.0
_INQUIRY_TRIES = 3
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 1.0
_NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_ACCOUNT_PATH = "/stock/accno"  # what is asked here is the account's own; all else is the same for everybody
_OK = 200
_REDIRECT = 300
_LOGGED_CHARACTERS = 2000
_LONG_NUMBER = re.compile(r"(\d{3})\d{5,}(\d{3})")
_TOKEN_VALID_SECONDS = 5.0  # a token that dies under way is refused and replaced once
_END_MARGIN_SECONDS = 2.0  # tokens seen end at 06:59:59
_json = msgspec.json.Encoder()
_RULES = {tr: limit.rule for tr, limit in CALL_LIMITS.items()}


class LsRest:
    """HTTP calls for one account; stateless but for the shared token and limits."""

    def __init__(
        self, credentials: Credentials, http: httpx.AsyncClient, url: str, tokens: TokenStore, scheduler: CallScheduler, clock: Clock
    ) -> None:
        self._credentials = credentials
        self._http = http
        self._url = url
        self._tokens = tokens
        self._scheduler = scheduler
        self._own_reads = MergedReads(clock)
        self._clock = clock
        self._key = f"{LS}:{credentials.environment}:{key_fingerprint(credentials.app_key)}"
        self._token_key = TokenKey.of(credentials)

    async def send_order(self, tr: Tr, block: Struct, *, deadline: float) -> Answer:
        """Send a new order, a modify or a cancel at most once.

        Args:
            tr: TR code.
            block: The in-block.
            deadline: Seconds from now after which it does not leave any more.

        Returns:
            An answer with verdict ``TAKEN`` or ``REFUSED``.

        Raises:
            BrokerError: See `BrokerAdapter`; ``BrokerUnavailable.sent`` and `BrokerProtocolError` mean that it may have been taken.
        """
        call = _Call(tr, _json.encode({tr.in_block: block}), _ORDER_SECONDS)
        try:
            return await self._repeat(call, self._clock.monotonic() + deadline, may_repeat_sent=False)
        finally:
            self._own_reads.forget()  # money and shares have changed, or may have

    async def inquire(self, tr: Tr, block: Struct, *, is_next_page: bool = False, next_key: str = "") -> Answer:
        """Ask something that changes nothing; repeated up to three times where LS does not answer.

        The same inquiry by several callers at once is made once, and its answer kept for a moment (`limits.KEPT_SECONDS`): an account's
        for that account, others for all. Reconciliation asks afresh.

        Args:
            tr: TR code.
            block: The in-block.
            is_next_page: Whether this continues an answer; LS wants to be told in the header besides the cursor in the block.
            next_key: ``Answer.next_key`` of the page before.

        Raises:
            BrokerRejected: LS refused to answer.
            BrokerError: The others, as in `BrokerAdapter`.
        """
        call = _Call(tr, _json.encode({tr.in_block: block}), _INQUIRY_SECONDS, is_next_page=is_next_page, next_key=next_key)

        def ask() -> Awaitable[Answer]:
            return self._repeat(call, self._clock.monotonic() + _INQUIRY_DEADLINE_SECONDS, may_repeat_sent=True)

        if _class_of(tr) is CallClass.INQUIRY:
            reads = self._own_reads if tr.path == _ACCOUNT_PATH else self._scheduler.reads
            key = (self._url, self._credentials.environment, tr, call.content, is_next_page, next_key)
            answer = await reads.get(key, ask, kept_seconds=KEPT_SECONDS.get(tr, DEFAULT_KEPT_SECONDS))
        else:
            answer = await ask()
        if answer.verdict is Verdict.REFUSED:
            raise BrokerRejected(LS, answer.code, answer.message)
        return answer

    async def token(self, *, valid_for_seconds: float = _TOKEN_VALID_SECONDS) -> str:
        """The shared access token. None lives beyond the next 07:00 KST, so one that lives until then is never replaced."""
        longest = (next_token_end(self._clock.now()) - self._clock.now()).total_seconds() - _END_MARGIN_SECONDS
        return await self._tokens.get(self._token_key, self._issue_token, valid_for_seconds=max(0.0, min(valid_for_seconds, longest)))

    async def drop_token(self, token: str) -> None:
        """Forget an access token that LS refused."""
        await self._tokens.invalidate(self._token_key, token)

    async def _repeat(self, call: "_Call", give_up_at: float, *, may_repeat_sent: bool) -> Answer:
        is_renewed = False
        tries = 0
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                with _nothing_sent_yet():
                    token = await self.token()
                    place = await self._wait_for_place(call.tr, give_up_at)
                try:
                    await last_look()
                    return await self._send(call, token, give_up_at)
                finally:
                    place.answered()
            except BrokerTokenExpired:
                if is_renewed:
                    raise
                is_renewed = True
                with _nothing_sent_yet():
                    await self.drop_token(token)
            except BrokerRateLimited as error:
                if isinstance(error.__cause__, PastDeadline):
                    raise
                await self._pause(max(pause, error.retry_after), give_up_at, error)
            except BrokerUnavailable as error:
                tries += 1
                is_late = self._clock.monotonic() + call.answer_seconds > give_up_at  # no try whose answer nobody waits for
                if error.sent and (not may_repeat_sent or tries >= _INQUIRY_TRIES or is_late):
                    raise
                await self._pause(pause, give_up_at, error)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    async def _wait_for_place(self, tr: Tr, give_up_at: float) -> Place:
        remaining = give_up_at - self._clock.monotonic()
        if remaining <= 0:
            raise BrokerRateLimited(LS, _FIRST_PAUSE_SECONDS)
        call_class = _class_of(tr)
        try:
            return await self._scheduler.acquire(
                self._limit_key(tr), _RULES[tr], rank=RANKS[call_class], asker=asker(), deadline_seconds=longest_wait(call_class, remaining)
            )
        except PastDeadline as error:
            raise BrokerRateLimited(LS, max(error.wait_seconds, 0.05)) from error
        except SchedulerUnavailable as error:
            raise BrokerUnavailable(LS, sent=False, reason="call scheduler") from error

    def _limit_key(self, tr: Tr) -> str:
        return f"{self._key}:{tr}"

    async def _send(self, call: "_Call", token: str, give_up_at: float) -> Answer:
        headers = {
            "content-type": "application/json; charset=utf-8",
            "authorization": f"Bearer {token}",
            "tr_cd": call.tr.value,
            "tr_cont": "Y" if call.is_next_page else "N",
            "tr_cont_key": call.next_key,
            "mac_address": "",  # mandatory for corporate customers only; the original system sends it empty
        }
        connect_seconds = max(0.01, min(_CONNECT_SECONDS, give_up_at - self._clock.monotonic()))
        limits = httpx.Timeout(call.answer_seconds, connect=connect_seconds, pool=connect_seconds)
        response = await self._exchange(call.tr, self._url + call.tr.path, headers, limits, content=call.content)
        try:
            answer = read_answer(call.tr, response.status_code, response.content, response.headers)
        except BrokerProtocolError as error:
            # only the real server can show this one, so it is kept
            log.warning("ls_not_understood", **self._about(call.tr), status=response.status_code, answer=_masked(response.text))
            if _OK <= response.status_code < _REDIRECT:
                raise
            raise BrokerUnavailable(LS, sent=True, reason=f"HTTP {response.status_code}") from error
        if answer.verdict is Verdict.RATE_REFUSED:
            await self._scheduler.pause(self._limit_key(call.tr), REFUSAL_PAUSE_SECONDS)  # for everybody who uses the key
        return self._proven(answer)

    def _proven(self, answer: Answer) -> Answer:
        match answer.verdict:
            case Verdict.TAKEN:
                return answer
            case Verdict.REFUSED:
                log.info("ls_refused", **self._about(answer.tr), status=answer.status, code=answer.code, words=answer.message)
                return answer
            case Verdict.TOKEN_REFUSED:
                log.warning("ls_token_refused", **self._about(answer.tr), status=answer.status, code=answer.code)
                raise BrokerTokenExpired(LS, answer.code)
            case Verdict.RATE_REFUSED:
                log.warning("ls_rate_refused", **self._about(answer.tr), status=answer.status, code=answer.code)
                raise BrokerRateLimited(LS, REFUSAL_PAUSE_SECONDS)
            case Verdict.OPEN:
                log.warning("ls_proves_nothing", **self._about(answer.tr), status=answer.status, code=answer.code, words=answer.message)
                raise BrokerUnavailable(LS, sent=True, reason=f"HTTP {answer.status} {answer.code} {answer.message}".strip())

    async def _exchange(
        self,
        tr: str,
        url: str,
        headers: dict[str, str],
        limits: httpx.Timeout,
        *,
        content: bytes | None = None,
        form: dict[str, str] | None = None,
    ) -> httpx.Response:
        try:
            async with asyncio.timeout(_WHOLE_ANSWER_SECONDS):
                return await self._http.post(url, headers=headers, content=content, data=form, timeout=limits)
        except _NOTHING_SENT as error:
            raise self._silence(tr, error, sent=False) from error
        except (httpx.RequestError, TimeoutError) as error:  # a time-out or a cut line: LS may hold the order
            raise self._silence(tr, error, sent=True) from error

    def _silence(self, tr: str, error: Exception, *, sent: bool) -> BrokerUnavailable:
        reason = type(error).__name__
        log.warning("ls_no_answer", **self._about(tr), reason=reason, detail=str(error), sent=sent)
        return BrokerUnavailable(LS, sent=sent, reason=reason)

    async def _issue_token(self) -> IssuedToken:
        form = {
            "grant_type": "client_credentials",
            "appkey": self._credentials.app_key,
            "appsecretkey": self._credentials.app_secret,
            "scope": "oob",
        }
        path = codes.TOKEN_PATH
        limits = httpx.Timeout(_ORDER_SECONDS, connect=_CONNECT_SECONDS, pool=_CONNECT_SECONDS)
        response = await self._exchange(path, self._url + path, {}, limits, form=form)
        now = self._clock.now()
        if response.status_code == _OK:
            issued = decode(path, response.content, TokenAnswer)
            if not issued.access_token:
                raise problem(path, "access_token", "is empty")
            return IssuedToken(issued.access_token, token_expiry(issued.access_token, issued.expires_in, now))
        raise _oauth_refusal(path, response)

    async def revoke_token(self) -> None:
        """Have LS forget the shared access token (``/oauth2/revoke``)."""
        await self._tokens.revoke(self._token_key, self._revoke)

    async def _revoke(self, token: str) -> None:
        form = {
            "appkey": self._credentials.app_key,
            "appsecretkey": self._credentials.app_secret,
            "token_type_hint": "access_token",
            "token": token,
        }
        limits = httpx.Timeout(_ORDER_SECONDS, connect=_CONNECT_SECONDS, pool=_CONNECT_SECONDS)
        response = await self._exchange(codes.REVOKE_PATH, self._url + codes.REVOKE_PATH, {}, limits, form=form)
        if response.status_code != _OK:
            raise _oauth_refusal(codes.REVOKE_PATH, response)

    async def _pause(self, seconds: float, give_up_at: float, error: BrokerError) -> None:
        """Sleep with jitter, or raise ``error`` when that would pass the deadline."""
        seconds *= 1 + random.random() / 4
        if self._clock.monotonic() + seconds >= give_up_at:
            raise error
        await asyncio.sleep(seconds)

    def _about(self, tr: str) -> dict[str, str]:
        return {"broker": LS, "tr_id": str(tr), "account_id": self._credentials.account_id}


def _oauth_refusal(path: str, response: httpx.Response) -> BrokerError:
    try:
        answer = read_answer(path, response.status_code, response.content, response.headers)
    except BrokerProtocolError:
        return BrokerUnavailable(LS, sent=True, reason=f"HTTP {response.status_code}")
    if answer.verdict in (Verdict.REFUSED, Verdict.TOKEN_REFUSED):
        return BrokerRejected(LS, answer.code, answer.message)
    if answer.verdict is Verdict.RATE_REFUSED:
        return BrokerRateLimited(LS, REFUSAL_PAUSE_SECONDS)
    return BrokerUnavailable(LS, sent=True, reason=f"HTTP {answer.status} {answer.code}")


def _class_of(tr: Tr) -> CallClass:
    return CALL_CLASSES.get(tr, CallClass.INQUIRY)


def _masked(text: str) -> str:
    """The beginning of an answer, without whole account numbers."""
    return _LONG_NUMBER.sub(r"\1***\2", text[:_LOGGED_CHARACTERS])


@contextmanager
def _nothing_sent_yet() -> Iterator[None]:
    """Steps before the request: whatever they meet, the request itself was not sent."""
    try:
        yield
    except BrokerUnavailable as error:
        raise BrokerUnavailable(LS, sent=False, reason=error.reason) from error
    except BrokerProtocolError as error:  # an unreadable answer to the token request
        raise BrokerUnavailable(LS, sent=False, reason=error.message) from error


class _Call(Struct, frozen=True):
    """A request but for its token."""

    tr: Tr
    content: bytes
    answer_seconds: float
    is_next_page: bool = False
    next_key: str = ""
