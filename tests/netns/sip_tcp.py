"""A SIP element over TCP (RFC 3261 section 18): responses use the connection of their request."""

import select

import sip
from netns import Timeout
from patience import Limit


class TcpAgent(sip.Agent):
    """Listens at its address and port, and connects from any port of its own (or `source_port`) when it has to."""

    transport = "TCP"
    uri_parameters = ";transport=tcp"

    def __init__(self, *args, listens=True, source_port=0, **more):
        self.listens, self.source_port = listens, source_port
        self.connections = []  # tcp.Stream, the newest first
        self.aliases = {}      # (address, port) of a request's target: the tcp.Stream to be used for it (RFC 5923)
        super().__init__(*args, **more)

    def _open(self, lab, namespace):
        self._lab, self._namespace = lab, namespace
        self.listener = lab.tcp_listener(namespace, self.address, self.port) if self.listens else None

    def close(self):
        for sock in [*self.connections, *([self.listener] if self.listener else [])]:
            sock.close()
        self.connections = []

    def connect(self, to):
        """Opens a new connection, which is used from now on."""
        stream = self._lab.tcp(self._namespace, self.address, to, port=self.source_port)
        self.connections.insert(0, stream)
        return stream

    def drop(self, stream):
        """Closes a connection."""
        self.connections.remove(stream)
        stream.finish()

    def connection(self, to):
        """The newest connection to that endpoint."""
        return self.aliases.get(to) or next((c for c in self.connections if c.remote == to), None)

    def _transmit(self, raw, to):
        (self.connection(to) or self.connect(to)).send(raw)

    def _receive(self, timeout, exact=False):
        limit = Limit(timeout, exact)
        while True:
            for stream in self.connections:
                raw = stream.framed()
                if raw:
                    return raw, stream.remote
            ears = {stream.socket: stream for stream in self.connections}
            if self.listener:
                ears[self.listener.socket] = None
            ready = select.select(list(ears), (), (), limit.left())[0]
            if not ready and limit.over():
                raise Timeout(f"{self.address}:{self.port} heard nothing over TCP for {limit}")
            for sock in ready:
                if ears[sock] is None:
                    self.connections.insert(0, self._lab.kept(self.listener.accept()))
                elif not ears[sock].listen():
                    self.connections.remove(ears[sock])

    def _way_back(self, request, port):
        return request.source

    def hears_nothing(self, for_s=0.25):
        try:
            raw, source = self._receive(for_s, exact=True)
        except Timeout:
            return
        raise AssertionError(f"{self.address}:{self.port} heard from {source}: {raw[:200]!r}")
