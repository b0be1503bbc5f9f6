"""The load generator, a process of its own: posts prepared requests at a steady rate, never waiting for answers (open loop).

Both Lucy and the sandbox are called by this same code, so what it costs itself drops out of the difference. It uses aiohttp: httpx took
more CPU for a request than Lucy did for an order, and would have been the bottleneck.
"""

import asyncio

import aiohttp
import uvloop

from tests.bench.helper import Json, serve

_CONNECTIONS = 256
_ANSWER_SECONDS = 30.0

Answer = tuple[float, int, Json]  # milliseconds, HTTP status, body


class Generator:
    """Posts requests."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def answer(self, command: Json) -> Json:
        """Post ``requests`` (``url``, ``headers``, ``body``) at ``rate`` a second.

        Returns:
            ``answers``: for each request milliseconds from when it was due until its answer was read, HTTP status (0: none), the answer.
            ``lag_milliseconds``: how late the generator itself was at worst: a large one spoils the run.
            ``seconds``: until the last answer.
        """
        period = 1 / command["rate"]
        loop = asyncio.get_running_loop()
        began = loop.time() + 0.05
        lag = 0.0
        tasks = []
        for number, request in enumerate(command["requests"]):
            due = began + number * period
            if (wait := due - loop.time()) > 0:
                await asyncio.sleep(wait)
            lag = max(lag, loop.time() - due)
            tasks.append(asyncio.create_task(self._post(request, due)))
        answers = await asyncio.gather(*tasks)
        return {"answers": answers, "lag_milliseconds": lag * 1000, "seconds": loop.time() - began}

    async def _post(self, request: Json, due: float) -> Answer:
        loop = asyncio.get_running_loop()
        try:
            async with self._session.post(request["url"], headers=request["headers"], data=request["body"]) as answer:
                body = await answer.json(content_type=None)
                return (loop.time() - due) * 1000, answer.status, body
        except (aiohttp.ClientError, TimeoutError) as error:
            return (loop.time() - due) * 1000, 0, {"code": type(error).__name__}


async def main() -> None:
    """Serve until the bench ends."""
    # given up before the servers do: a connection that its server closes at that moment would be an error of the generator's own
    connector = aiohttp.TCPConnector(limit=_CONNECTIONS, keepalive_timeout=2)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=_ANSWER_SECONDS)) as session:
        await serve(Generator(session).answer)


if __name__ == "__main__":
    uvloop.run(main())
