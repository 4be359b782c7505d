"""Answer every request with its own body, by h11 and nothing else: `python -m bench.echo` prints its port."""

import asyncio
import sys

import h11


class _Echo(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._h11 = h11.Connection(h11.SERVER)
        self._body = b""

    def data_received(self, data: bytes) -> None:
        self._h11.receive_data(data)
        while True:
            event = self._h11.next_event()
            if event is h11.NEED_DATA or isinstance(event, h11.ConnectionClosed):
                return
            if isinstance(event, h11.Data):
                self._body += event.data
            elif isinstance(event, h11.EndOfMessage):
                self._answer()

    def _answer(self) -> None:
        headers = [
            (b"Content-Type", b"application/json"),
            (b"Content-Length", b"%d" % len(self._body)),
        ]
        parts = [
            self._h11.send(h11.Response(status_code=200, headers=headers)),
            self._h11.send(h11.Data(data=self._body)),
            self._h11.send(h11.EndOfMessage()),
        ]
        self._transport.write(b"".join(part for part in parts if part))
        self._body = b""
        self._h11.start_next_cycle()


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Echo, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    try:
        asyncio.run(_serve())
    except KeyboardInterrupt:
        sys.exit(130)
