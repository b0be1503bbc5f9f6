"""The brokers' public host names, led to the sandbox: name resolution of this process, and TLS in front of the doors.

The libraries keep their own addresses, schemes and certificate checks. Any other host is refused, so none can reach a real broker, nor the
counters of use that some report to.
"""

import asyncio
import datetime
import os
import socket
import ssl
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

KIS_REST = (("openapi.koreainvestment.com", 9443), ("openapivts.koreainvestment.com", 29443))
KIS_STREAM = (("ops.koreainvestment.com", 21000), ("ops.koreainvestment.com", 31000))  # without TLS, as KIS has it
LS = (("openapi.ls-sec.co.kr", 8080), ("openapi.ls-sec.co.kr", 9443), ("openapi.ls-sec.co.kr", 29443))
_LOCAL = {None, "", "localhost", "127.0.0.1", "::1"}
_CHUNK = 65_536
_START_SECONDS = 10.0


def redirect(ports: Mapping[tuple[str, int], int], certificate: Path) -> None:
    """From now on resolve the addresses of ``ports`` to local ports, refuse all other hosts, and trust the certificate."""
    resolve = socket.getaddrinfo

    def led_here(host: Any, port: Any, *arguments: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name in _LOCAL:
            return resolve(host, port, *arguments, **options)
        local = ports.get((name, int(port or 0)))
        if local is None:
            raise socket.gaierror(socket.EAI_NONAME, f"a test may not reach {name}:{port}")
        return resolve("127.0.0.1", local, *arguments, **options)

    socket.getaddrinfo = led_here
    for variable in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "WEBSOCKET_CLIENT_CA_BUNDLE"):
        os.environ[variable] = str(certificate)


def listen_with_tls(folder: Path, ports: Sequence[int]) -> tuple[Path, list[int]]:
    """New TLS ports that pass every byte on to the plain ``ports``, served by a thread for as long as the process lives.

    Returns:
        The certificate to trust, and the new ports in the order of ``ports``.
    """
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    _write_certificate(certificate, key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="tls", daemon=True).start()
    bound = [asyncio.run_coroutine_threadsafe(_listen(context, port), loop).result(_START_SECONDS) for port in ports]
    return certificate, bound


async def _listen(context: ssl.SSLContext, port: int) -> int:
    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(_pump(reader, upstream_writer), _pump(upstream_reader, writer))

    server = await asyncio.start_server(pass_on, "127.0.0.1", 0, ssl=context)
    bound: int = server.sockets[0].getsockname()[1]
    return bound


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
    except OSError:
        pass  # one side is gone: the other is closed too
    finally:
        writer.close()


def _write_certificate(certificate: Path, key: Path) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Lucy's sandbox")])
    now = datetime.datetime.now(datetime.UTC)
    hosts = sorted({host for host, _ in (*KIS_REST, *LS)})
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)  # Python 3.13 asks for it, and for the key's identifier
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(private.public_key()), critical=False)
        .sign(private, hashes.SHA256())
    )
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    plain = private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    key.write_bytes(plain)
