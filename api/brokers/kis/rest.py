"""One account's HTTP calls to KIS: token, call limit, one send, and what may be repeated.

An order is sent again only after proof that nothing was done: no connection, the gateway's rate refusal, one token refusal. Inquiries are
asked again a few times when KIS does not answer.
"""

import asyncio
import random
from collections.abc import Callable, Mapping
from functools import partial

import httpx
import msgspec
import structlog

from api.brokers.base import (
    BrokerError,
    BrokerProtocolError,
    BrokerRateLimited,
    BrokerTokenExpired,
    BrokerUnavailable,
    CallClass,
    Credentials,
)
from api.brokers.endpoints import BrokerEndpoints
from api.brokers.kis.codes import Tr, tr_id
from api.brokers.kis.envelope import KIS, Envelope, read_envelope, read_oauth
from api.brokers.kis.limits import CALL_LIMITS, RESERVES
from api.brokers.kis.messages import OrderCash, OrderChange
from api.brokers.kis.parse import parse_token
from api.brokers.tokens import IssuedToken, TokenKey, TokenStore, key_fingerprint
from api.kit.clock import Clock
from api.kit.rate_limit import LimiterUnavailable, PastDeadline, RateLimiter

log = structlog.get_logger()

_CONNECT_SECONDS = 3.0
_ORDER_TIMEOUT = httpx.Timeout(10.0, connect=_CONNECT_SECONDS, pool=_CONNECT_SECONDS)
_INQUIRY_TIMEOUT = httpx.Timeout(7.0, connect=_CONNECT_SECONDS, pool=_CONNECT_SECONDS)
_INQUIRY_DEADLINE_SECONDS = 15.0
_INQUIRY_TRIES = 3
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 1.0
_NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
# KIS states no lifetime for websocket keys; users renew them daily. A refused one is replaced at once.
_APPROVAL_LIFETIME_SECONDS = 12 * 3600
_json = msgspec.json.Encoder()


class Page(msgspec.Struct, frozen=True):
    """One answer to an inquiry; ``has_more`` when KIS holds another page."""

    envelope: Envelope
    has_more: bool


class KisRest:
    """HTTP calls for one account; stateless but for the shared token and limit."""

    def __init__(
        self,
        credentials: Credentials,
        http: httpx.AsyncClient,
        urls: BrokerEndpoints,
        tokens: TokenStore,
        limiter: RateLimiter,
        clock: Clock,
    ) -> None:
        self._credentials = credentials
        self._http = http
        self._url = urls.rest_url
        self._tokens = tokens
        self._limiter = limiter
        self._clock = clock
        self._limit = CALL_LIMITS[credentials.environment]
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
        content = _json.encode(body)
        send = partial(self._post, tr, path, content)
        give_up_at = self._clock.monotonic() + deadline
        is_renewed = False
        pause = _FIRST_PAUSE_SECONDS
        while True:
            token = await self._token()
            await self._wait_for_place(call_class, give_up_at)
            try:
                return (await self._send(tr, send, token)).envelope
            except BrokerTokenExpired:
                if is_renewed:
                    raise
                is_renewed = True
                await self._tokens.invalidate(self._access, token)
            except BrokerRateLimited as error:
                await self._pause(max(pause, error.retry_after), give_up_at, error)
            except BrokerUnavailable as error:
                if error.sent:
                    raise
                await self._pause(pause, give_up_at, error)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    async def inquire(self, tr: Tr, path: str, params: Mapping[str, str], *, call_class: CallClass, is_next_page: bool = False) -> Page:
        """Ask something that changes nothing; repeated up to three times where KIS does not answer."""
        send = partial(self._get, tr, path, params, "N" if is_next_page else "")
        give_up_at = self._clock.monotonic() + _INQUIRY_DEADLINE_SECONDS
        is_renewed = False
        tries = 0
        pause = _FIRST_PAUSE_SECONDS
        while True:
            token = await self._token()
            await self._wait_for_place(call_class, give_up_at)
            try:
                return await self._send(tr, send, token)
            except BrokerTokenExpired:
                if is_renewed:
                    raise
                is_renewed = True
                await self._tokens.invalidate(self._access, token)
            except BrokerRateLimited as error:
                await self._pause(max(pause, error.retry_after), give_up_at, error)
            except BrokerUnavailable as error:
                tries += 1
                if tries >= _INQUIRY_TRIES:
                    raise
                await self._pause(pause, give_up_at, error)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    async def ensure_token(self, valid_for_seconds: float) -> None:
        """Make sure that the shared access token lives at least this long."""
        await self._tokens.get(self._access, self._issue_access, valid_for_seconds=valid_for_seconds)

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
        answer = await self._exchange("tokenP", lambda: self._oauth_request("/oauth2/tokenP", body))
        members = read_oauth("tokenP", answer.status_code, answer.content)
        value, expires_at = parse_token("tokenP", members, self._clock.now())
        return IssuedToken(value, expires_at)

    async def _issue_approval(self) -> IssuedToken:
        # the secret is called secretkey here and appsecret at tokenP
        body = {"grant_type": "client_credentials", "appkey": self._credentials.app_key, "secretkey": self._credentials.app_secret}
        answer = await self._exchange("Approval", lambda: self._oauth_request("/oauth2/Approval", body))
        key = read_oauth("Approval", answer.status_code, answer.content).get("approval_key")
        if not isinstance(key, str) or not key:
            raise BrokerProtocolError(KIS, "Approval", "approval_key", "missing")
        _, expires_at = parse_token("Approval", {"access_token": key, "expires_in": _APPROVAL_LIFETIME_SECONDS}, self._clock.now())
        return IssuedToken(key, expires_at)

    def _oauth_request(self, path: str, body: Mapping[str, str]) -> httpx.Request:
        headers = {"content-type": "application/json"}
        return self._http.build_request("POST", self._url + path, headers=headers, content=_json.encode(body), timeout=_ORDER_TIMEOUT)

    def _post(self, tr: Tr, path: str, content: bytes, token: str) -> httpx.Request:
        return self._http.build_request(
            "POST", self._url + path, headers=self._call_headers(tr, token), content=content, timeout=_ORDER_TIMEOUT
        )

    def _get(self, tr: Tr, path: str, params: Mapping[str, str], tr_cont: str, token: str) -> httpx.Request:
        headers = self._call_headers(tr, token) | {"tr_cont": tr_cont}
        return self._http.build_request("GET", self._url + path, headers=headers, params=params, timeout=_INQUIRY_TIMEOUT)

    def _call_headers(self, tr: Tr, token: str) -> dict[str, str]:
        return self._headers | {"authorization": f"Bearer {token}", "tr_id": tr_id(tr, self._credentials.environment)}

    async def _send(self, tr: Tr, build: Callable[[str], httpx.Request], token: str) -> Page:
        answer = await self._exchange(tr.value, lambda: build(token))
        try:
            envelope = read_envelope(tr.value, answer.status_code, answer.content)
        except BrokerError as error:
            self._log_answer(tr, answer, error)
            raise
        return Page(envelope, has_more=answer.headers.get("tr_cont", "").strip() in ("F", "M"))

    async def _exchange(self, tr: str, build: Callable[[], httpx.Request]) -> httpx.Response:
        try:
            return await self._http.send(build())
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
            answer=answer.text[:4000] if is_odd else None,
            problem=str(error),
        )

    async def _wait_for_place(self, call_class: CallClass, give_up_at: float) -> None:
        try:
            await self._limiter.acquire(
                self._limit_key,
                limit=self._limit.calls,
                window_seconds=self._limit.window_seconds,
                deadline_seconds=give_up_at - self._clock.monotonic(),
                reserve=RESERVES[call_class],
            )
        except PastDeadline as error:
            raise BrokerRateLimited(KIS, max(error.wait_seconds, 0.05)) from error
        except LimiterUnavailable as error:
            raise BrokerUnavailable(KIS, sent=False, reason="call limiter") from error

    async def _pause(self, seconds: float, give_up_at: float, error: BrokerError) -> None:
        """Sleep with jitter, or raise ``error`` when that would pass the deadline."""
        seconds *= 1 + random.random() / 4
        if self._clock.monotonic() + seconds >= give_up_at:
            raise error
        await asyncio.sleep(seconds)
