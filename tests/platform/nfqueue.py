"""A reader of one netfilter queue in a namespace: it records every packet and accepts it unmodified."""
import select
import socket
import struct
import threading

NETLINK_NETFILTER = 12
SUBSYSTEM = 3
PACKET, VERDICT, CONFIG = range(3)


def attribute(kind, payload):
    size = 4 + len(payload)
    return struct.pack('=HH', size, kind) + payload + bytes(-size % 4)


def attributes(data):
    found = {}
    while len(data) >= 4:
        size, kind = struct.unpack_from('=HH', data)
        found[kind & 0x7fff] = data[4:size]
        data = data[(size + 3) & ~3:]
    return found


class Reader:
    """`packets` holds (hook, "source:port", "destination:port") of each queued UDP packet."""

    def __init__(self, space, queue):
        self.queue = queue
        self.packets = []
        with space.entered():
            self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
        self.socket.bind((0, 0))
        self._send(CONFIG, attribute(1, struct.pack('>BBH', 1, 0, 0)), wait=True)  # bind to the queue
        self._send(CONFIG, attribute(2, struct.pack('>IB', 0xffff, 2)), wait=True)  # whole packets
        self._stop, self._stopped = socket.socketpair()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _send(self, kind, payload, wait=False):
        body = struct.pack('>BBH', 0, 0, self.queue) + payload
        flags = 1 | (4 if wait else 0)
        self.socket.send(struct.pack('=IHHII', 16 + len(body), SUBSYSTEM << 8 | kind, flags, 0, 0) + body)
        if wait:
            error = -struct.unpack_from('=i', self.socket.recv(4096), 16)[0]
            if error:
                raise OSError(error, 'nfqueue configuration')

    def _read(self):
        while True:
            ready, _, _ = select.select([self.socket, self._stopped], [], [])
            if self._stopped in ready:
                return
            message = self.socket.recv(70000)
            if struct.unpack_from('=H', message, 4)[0] != SUBSYSTEM << 8 | PACKET:
                continue
            found = attributes(message[20:])
            identity, _, hook = struct.unpack_from('>IHB', found[1])
            self.packets.append((hook, *self._endpoints(found[10])))
            self._send(VERDICT, attribute(2, struct.pack('>II', 1, identity)))

    @staticmethod
    def _endpoints(packet):
        ports = struct.unpack_from('>HH', packet, (packet[0] & 15) * 4)
        return (f'{socket.inet_ntoa(packet[12:16])}:{ports[0]}', f'{socket.inet_ntoa(packet[16:20])}:{ports[1]}')

    def close(self):
        self._stop.send(b'x')
        self._thread.join()
        for sock in (self.socket, self._stop, self._stopped):
            sock.close()
