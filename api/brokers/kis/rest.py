"""One account's HTTP calls to KIS: token, call limit, one send, and what may be repeated.

An order is sent again only after proof that nothing was done: no connection, the gateway's rate refusal, one token refusal. Inquiries are
asked again a few times when KIS does not answer.
"""

import asyncio
import random
from collections.abc import Awaitable, Iterator, Mapping
from contextlib import contextmanager, suppress

import httpx
import msgspec
import structlog

from api.brokers.base import CallClass, Credentials
from api.brokers.endpoints import BrokerEndpoints
from api.brokers.errors import (
    BrokerError,
    BrokerProtocolError,
    BrokerRateLimited,
    BrokerTokenExpired,
    BrokerUnavailable,
)
from api.brokers.kis.codes import TRADING, Tr, tr_id
from api.brokers.kis.envelope import KIS, Envelope, read_envelope, read_oauth
from api.brokers.kis.limits import CALL_LIMITS, DEFAULT_KEPT_SECONDS, KEPT_SECONDS
from api.brokers.kis.messages import OrderCash, OrderChange
from api.brokers.kis.parse import parse_token
from api.brokers.limits import RANKS, longest_wait
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
_INQUIRY_DEADLINE_SECONDS = 15.0
_INQUIRY_TRIES = 3
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 1.0
_NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
# KIS states no lifetime for websocket keys; users renew them daily. A refused one is replaced at once.
_APPROVAL_LIFETIME_SECONDS = 12 * 3600
_LOGGED_CHARACTERS = 4000
_json = msgspec.json.Encoder()


class Page(msgspec.Struct, frozen=True):
    """One answer to an inquiry; ``has_more`` when KIS holds another page."""

    envelope: Envelope
    has_more: bool


class _Call(msgspec.Struct, frozen=True):
    """One request but for its token; ``tr_cont`` None leaves the header out."""

    tr: Tr
    method: str
    url: str
    answer_seconds: float
    content: bytes | None = None
    params: Mapping[str, str] | None = None
    tr_cont: str | None = None


class KisRest:
    """HTTP calls for one account; stateless but for the shared token and limit."""

    def __init__(
        self,
        credentials: Credentials,
        http: httpx.AsyncClient,
        urls: BrokerEndpoints,
        tokens: TokenStore,
        scheduler: CallScheduler,
        clock: Clock,
    ) -> None:
        self._credentials = credentials
        self._http = http
        self._url = urls.rest_url
        self._tokens = tokens
        self._scheduler = scheduler
        self._own_reads = MergedReads(clock)
        self._clock = clock
        self._rule = CALL_LIMITS[credentials.environment].rule
        self._limit_key = f"{KIS}:{credentials.environment}:{key_fingerprint(credentials.app_key)}"
        self._access = TokenKey.of(credentials, "access")
        self._approval = TokenKey.of(credentials, "approval")
        self._headers = {
            "content-type": "application/json; charset=utf-8",
            "appkey": credentials.app_key,
            "appsecret": credentials.app_secret,
            "custtype": "P",
        }

    async def send_order(self, tr: Tr, path: str, body: OrderCash | OrderChange, *, call_class: CallClass, deadline: float) -> Envelope:
        """Send a new order, a change or a cancel at most once.

        Args:
            tr: TR id of the real system.
            path: Path on the server.
            body: The order.
            call_class: Priority under the call limit.
            deadline: Seconds from now after which it does not leave any more.

        Raises:
            BrokerError: See `BrokerAdapter`; ``BrokerUnavailable.sent`` and `BrokerProtocolError` mean that it may have been taken.
        """
        call = _Call(tr, "POST", self._url + path, _ORDER_SECONDS, content=_json.encode(body))
        try:
            return (await self._repeat(call, call_class, self._clock.monotonic() + deadline, may_repeat_sent=False)).envelope
        finally:
            self._own_reads.forget()  # money and shares have changed, or may have

    async def inquire(self, tr: Tr, path: str, params: Mapping[str, str], *, call_class: CallClass, is_next_page: bool = False) -> Page:
        """Ask something that changes nothing; repeated up to three times where KIS does not answer.

        The same inquiry by several callers at once is made once, and its answer kept for a moment (`limits.KEPT_SECONDS`): an account's
        for that account, others for all. Reconciliation asks afresh.
        """
        call = _Call(tr, "GET", self._url + path, _INQUIRY_SECONDS, params=params, tr_cont="N" if is_next_page else "")

        def ask() -> Awaitable[Page]:
            return self._repeat(call, call_class, self._clock.monotonic() + _INQUIRY_DEADLINE_SECONDS, may_repeat_sent=True)

        if call_class is not CallClass.INQUIRY:
            return await ask()
        reads = self._own_reads if path.startswith(TRADING) else self._scheduler.reads
        key = (call.url, self._credentials.environment, tr, call.tr_cont, *sorted(params.items()))
        return await reads.get(key, ask, kept_seconds=KEPT_SECONDS.get(tr, DEFAULT_KEPT_SECONDS))

    async def _repeat(self, call: "_Call", call_class: CallClass, give_up_at: float, *, may_repeat_sent: bool) -> Page:
        is_renewed = False
        tries = 0
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                with _nothing_sent_yet():
                    token = await self._token()
                    place = await self._wait_for_place(call_class, give_up_at)
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
                    await self._tokens.invalidate(self._access, token)
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

    async def ensure_token(self, valid_for_seconds: float) -> None:
        """Make sure that the shared access token lives at least this long."""
        await self._tokens.get(self._access, self._issue_access, valid_for_seconds=valid_for_seconds)

    async def revoke_token(self) -> None:
        """Have KIS forget the shared access token (``revokeP``)."""
        await self._tokens.revoke(self._access, self._revoke_access)

    async def approval_key(self) -> str:
        """The shared websocket key."""
        return await self._tokens.get(self._approval, self._issue_approval)

    async def drop_approval_key(self, key: str) -> None:
        """Forget a websocket key that KIS refused."""
        await self._tokens.invalidate(self._approval, key)

    async def _token(self) -> str:
        return await self._tokens.get(self._access, self._issue_access)

    async def _issue_access(self) -> IssuedToken:
        body = {"grant_type": "client_credentials", "appkey": self._credentials.app_key, "appsecret": self._credentials.app_secret}
        answer = await self._exchange("tokenP", self._oauth_request("/oauth2/tokenP", body))
        members = read_oauth("tokenP", answer.status_code, answer.content)
        value, expires_at = parse_token("tokenP", members, self._clock.now())
        return IssuedToken(value, expires_at)

    async def _revoke_access(self, token: str) -> None:
        body = {"appkey": self._credentials.app_key, "appsecret": self._credentials.app_secret, "token": token}
        answer = await self._exchange("revokeP", self._oauth_request("/oauth2/revokeP", body))
        with suppress(BrokerTokenExpired):  # it is dead already
            read_oauth("revokeP", answer.status_code, answer.content)

    async def _issue_approval(self) -> IssuedToken:
        # the secret is called secretkey here and appsecret at tokenP
        body = {"grant_type": "client_credentials", "appkey": self._credentials.app_key, "secretkey": self._credentials.app_secret}
        answer = await self._exchange("Approval", self._oauth_request("/oauth2/Approval", body))
        key = read_oauth("Approval", answer.status_code, answer.content).get("approval_key")
        if not isinstance(key, str) or not key:
            raise BrokerProtocolError(KIS, "Approval", "approval_key", "missing")
        _, expires_at = parse_token("Approval", {"access_token": key, "expires_in": _APPROVAL_LIFETIME_SECONDS}, self._clock.now())
        return IssuedToken(key, expires_at)

    def _oauth_request(self, path: str, body: Mapping[str, str]) -> httpx.Request:
        headers = {"content-type": "application/json"}
        timeout = httpx.Timeout(_ORDER_SECONDS, connect=_CONNECT_SECONDS, pool=_CONNECT_SECONDS)
        return self._http.build_request("POST", self._url + path, headers=headers, content=_json.encode(body), timeout=timeout)

    async def _send(self, call: "_Call", token: str, give_up_at: float) -> Page:
        headers = self._headers | {"authorization": f"Bearer {token}", "tr_id": tr_id(call.tr, self._credentials.environment)}
        if call.tr_cont is not None:
            headers["tr_cont"] = call.tr_cont
        # a connection that comes up after the deadline must not carry the order any more
        connect_seconds = max(0.01, min(_CONNECT_SECONDS, give_up_at - self._clock.monotonic()))
        timeout = httpx.Timeout(call.answer_seconds, connect=connect_seconds, pool=connect_seconds)
        answer = await self._exchange(
            call.tr.value,
            self._http.build_request(call.method, call.url, headers=headers, params=call.params, content=call.content, timeout=timeout),
        )
        try:
            envelope = read_envelope(call.tr.value, answer.status_code, answer.content)
        except BrokerError as error:
            self._log_answer(call.tr, answer, error)
            if isinstance(error, BrokerRateLimited):
                await self._scheduler.pause(self._limit_key, error.retry_after)  # for everybody who uses the key
            raise
        return Page(envelope, has_more=answer.headers.get("tr_cont", "").strip() in ("F", "M"))

    async def _exchange(self, tr: str, request: httpx.Request) -> httpx.Response:
        try:
            return await self._http.send(request)
        except _NOTHING_SENT as error:
            raise self._silence(tr, error, sent=False) from error
        except httpx.RequestError as error:  # a time-out, a cut line or a body that ends too soon: KIS may hold the order
            raise self._silence(tr, error, sent=True) from error

    def _silence(self, tr: str, error: httpx.RequestError, *, sent: bool) -> BrokerUnavailable:
        reason = type(error).__name__
        log.warning("kis_no_answer", tr_id=tr, account_id=self._credentials.account_id, reason=reason, detail=str(error), sent=sent)
        return BrokerUnavailable(KIS, sent=sent, reason=reason)

    def _log_answer(self, tr: Tr, answer: httpx.Response, error: BrokerError) -> None:
        # refusals are ordinary; what could not be understood is kept whole, for only the real system can show it
        is_odd = isinstance(error, BrokerProtocolError | BrokerUnavailable)
        log.log(
            30 if is_odd else 20,
            "kis_not_understood" if is_odd else "kis_refused",
            tr_id=tr.value,
            account_id=self._credentials.account_id,
            status=answer.status_code,
            answer=self._shown(answer) if is_odd else None,
            problem=str(error),
        )

    def _shown(self, answer: httpx.Response) -> str:
        """The answer for the log, without the account number, which paging keys repeat."""
        return answer.text[:_LOGGED_CHARACTERS].replace(self._credentials.account_number[:8], "********")

    async def _wait_for_place(self, call_class: CallClass, give_up_at: float) -> Place:
        remaining = give_up_at - self._clock.monotonic()
        if remaining <= 0:
            raise BrokerRateLimited(KIS, _FIRST_PAUSE_SECONDS)
        try:
            return await self._scheduler.acquire(
                self._limit_key, self._rule, rank=RANKS[call_class], asker=asker(), deadline_seconds=longest_wait(call_class, remaining)
            )
        except PastDeadline as error:
            raise BrokerRateLimited(KIS, max(error.wait_seconds, 0.05)) from error
        except SchedulerUnavailable as error:
            raise BrokerUnavailable(KIS, sent=False, reason="call scheduler") from error

    async def _pause(self, seconds: float, give_up_at: float, error: BrokerError) -> None:
        """Sleep with jitter, or raise ``error`` when that would pass the deadline."""
        seconds *= 1 + random.random() / 4
        if self._clock.monotonic() + seconds >= give_up_at:
            raise error
        await asyncio.sleep(seconds)


@contextmanager
def _nothing_sent_yet() -> Iterator[None]:
    """What fails before the request itself leaves, such as the issue of a token, says nothing about the request."""
    try:
        yield
    except (BrokerUnavailable, BrokerProtocolError) as error:
        raise BrokerUnavailable(KIS, sent=False, reason=error.message) from error
