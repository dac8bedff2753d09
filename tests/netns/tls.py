"""TLS ends in the lab, with every byte on the wire recorded: OpenSSL works in memory, the test moves the records."""

import os
import socket
import ssl
import subprocess

from lab import PROVIDER


def certificate(lab, name="sip.example.com"):
    """A self-signed certificate and its key: (path, path)."""
    paths = [os.path.join(lab.directory, f"{name}.{kind}") for kind in ("crt", "key")]
    if not os.path.exists(paths[0]):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                        "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name},IP:{PROVIDER}",
                        "-out", paths[0], "-keyout", paths[1]], check=True, capture_output=True)
    return tuple(paths)


def connect(lab, client, server, address, port):
    """A TCP connection from namespace to namespace: (the client's socket, the server's)."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = server.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, port))
    listener.listen()
    near = client.socket(family, socket.SOCK_STREAM)
    near.settimeout(10)
    near.connect((address, port))
    far, _ = listener.accept()
    listener.close()
    far.settimeout(10)
    for sock in (near, far):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        lab.closing(sock)
    return near, far


class End:
    """One end of a connection. `sent` and `heard` are all bytes that its socket has sent and received."""

    def __init__(self, sock, context, **how):
        self.socket = sock
        self.sent, self.heard = b"", b""
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._in, self._out, **how)

    def step(self, action):
        """Makes one attempt and sends the resulting records. True once it is done."""
        try:
            action()
            done = True
        except ssl.SSLWantReadError:
            done = False
        records = self._out.read()
        self.sent += records
        self.socket.sendall(records)
        return done

    def take(self, size):
        while size > 0:
            data = self.socket.recv(size)
            if not data:
                raise AssertionError("the connection has ended")
            size -= len(data)
            self.heard += data
            self._in.write(data)


class Connection:
    """A TLS connection between two ends, over a pair of sockets."""

    def __init__(self, lab, near, far, server_name):
        paths = certificate(lab)
        client = ssl.create_default_context(cafile=paths[0])
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(*paths)
        self.client = End(near, client, server_hostname=server_name)
        self.server = End(far, server, server_side=True)
        done = [False, False]
        while not all(done):
            for i, (end, other) in enumerate(((self.client, self.server), (self.server, self.client))):
                done[i] = done[i] or end.step(end.tls.do_handshake)
                other.take(len(end.sent) - len(other.heard))

    def say(self, sender, receiver, data):
        sender.step(lambda: sender.tls.write(data))
        receiver.take(len(sender.sent) - len(receiver.heard))
        assert receiver.tls.read(len(data) + 1) == data
