"""The load generator, a process of its own: posts prepared requests at a steady rate, never waiting for answers (open loop).

Both Lucy and the sandbox are called by this same code over httpx, so what it costs itself drops out of the difference.
"""

import asyncio
from typing import Any

import httpx
import uvloop

from tests.bench.helper import Json, serve

_LIMITS = httpx.Limits(max_connections=200, max_keepalive_connections=200)


class Generator:
    """Posts requests."""

    def __init__(self) -> None:
        self._client = httpx.AsyncClient(limits=_LIMITS, timeout=30, trust_env=False)

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

    async def _post(self, request: Json, due: float) -> tuple[float, int, Any]:
        loop = asyncio.get_running_loop()
        try:
            answer = await self._client.post(request["url"], headers=request["headers"], content=request["body"])
        except httpx.HTTPError as error:
            return (loop.time() - due) * 1000, 0, {"code": type(error).__name__}
        return (loop.time() - due) * 1000, answer.status_code, answer.json()


if __name__ == "__main__":
    uvloop.run(serve(Generator().answer))
