#!/usr/bin/python3
"""Packets that are queued only to be reported: ClientHellos (N4), and SIP on other ports.

phone 192.168.1.2 - router - outside 203.0.113.5
"""
import pathlib
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'platform'))
import namespaces  # noqa: E402
from namespaces import DriverTest, receive  # noqa: E402
from nfqueue import Reader  # noqa: E402

PREROUTING, POSTROUTING = 0, 4
PHONE, PEER = '192.168.1.2', '203.0.113.5'
HELLO = bytes.fromhex('16030100c8010000c40303') + bytes(194)
SERVER_HELLO = bytes.fromhex('160303003a020000360303') + bytes(52)
DTLS_HELLO = bytes.fromhex('16fefd0000000000000000003b010000') + bytes(56)
BULK = [b'\x17\x03\x03\x40\x00' + bytes(1200), b'\x16' + bytes(1200), SERVER_HELLO, b'\x15\x03\x03\x00\x02\x01\x00']


def setUpModule():
    namespaces.require()


class WatchingTest(DriverTest):
    def setUp(self):
        self.phone, self.router, self.outside = (self.namespace(label) for label in ('phone', 'router', 'outside'))
        namespaces.join(self.router, 'lan', '192.168.1.1/24', self.phone, 'eth0', f'{PHONE}/24')
        namespaces.join(self.router, 'wan', '203.0.113.1/24', self.outside, 'eth0', f'{PEER}/24')
        self.phone.run('ip', 'route', 'add', 'default', 'via', '192.168.1.1')
        self.outside.run('ip', 'route', 'add', '192.168.1.0/24', 'via', '203.0.113.1')
        self.router.run('sysctl', '-qw', 'net.ipv4.ip_forward=1')

    def install(self, *options):
        driver = self.driver_in(self.router, *options)
        driver('install')
        return driver

    def readers(self):
        """The queue of signalling and the queue of packets that are only reported."""
        both = Reader(self.router, 5060), Reader(self.router, 5061)
        for reader in both:
            self.addCleanup(reader.close)
        return both

    def connect(self, server, address, port, client):
        """A TCP connection: (the client's end, the server's end)."""
        with server.entered():
            listener = socket.create_server((address, port))
        with client.entered():
            near = socket.create_connection((address, port), 10)
        far, _ = listener.accept()
        for sock in (listener, near, far):
            self.addCleanup(sock.close)
        for sock in (near, far):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return near, far

    def pass_on(self, sender, receiver, payload):
        sender.sendall(payload)
        self.assertEqual(receiver.recv(len(payload), socket.MSG_WAITALL), payload)

    def test_client_hello_of_tls_is_queued(self):
        self.install()
        signalling, watched = self.readers()
        near, far = self.connect(self.outside, PEER, 5061, self.phone)
        for sender, receiver in ((near, far), (far, near)):
            for payload in BULK:
                self.pass_on(sender, receiver, payload)
        self.assertEqual(watched.packets, [])
        self.pass_on(near, far, HELLO)
        port = near.getsockname()[1]
        self.assertEqual(watched.packets, [(PREROUTING, f'{PHONE}:{port}', f'{PEER}:5061')])
        self.assertEqual(signalling.packets, [])

    def test_client_hello_to_a_server_inside_is_queued(self):
        self.install()
        _, watched = self.readers()
        near, far = self.connect(self.phone, PHONE, 5061, self.outside)
        self.pass_on(near, far, HELLO)
        self.assertEqual(watched.packets, [(POSTROUTING, f'{PEER}:{near.getsockname()[1]}', f'{PHONE}:5061')])

    def test_client_hello_of_dtls_is_queued(self):
        self.install('--tls-port', '5061', '--tls-port', '7000')
        signalling, watched = self.readers()
        for port in (5061, 7000):
            phone, peer = self.udp(self.phone, PHONE, 6000), self.udp(self.outside, PEER, port)
            for payload in (*BULK, HELLO, DTLS_HELLO):
                phone.sendto(payload, (PEER, port))
                self.assertEqual(receive(peer)[0], payload)
            phone.close()
        self.assertEqual(watched.packets, [(PREROUTING, f'{PHONE}:6000', f'{PEER}:{port}') for port in (5061, 7000)])
        self.assertEqual(signalling.packets, [])

    def test_without_a_reader_packets_pass(self):
        self.install('--find-sip')
        near, far = self.connect(self.outside, PEER, 5061, self.phone)
        self.pass_on(near, far, HELLO)
        near, far = self.connect(self.outside, PEER, 5070, self.phone)
        self.pass_on(near, far, b'INVITE sip:a SIP/2.0\r\n')

    def test_sip_on_other_ports_is_queued_with_find_sip(self):
        driver = self.install('--find-sip')
        signalling, watched = self.readers()
        near, far = self.connect(self.outside, PEER, 5070, self.phone)
        port = near.getsockname()[1]
        self.pass_on(near, far, b'REGISTER sip:a SIP/2.0\r\n')
        self.pass_on(near, far, b'GET / HTTP/1.1\r\n')
        self.pass_on(near, far, b'INV')
        self.pass_on(far, near, b'SIP/2.0 200 OK\r\n')
        self.assertEqual(watched.packets, [(PREROUTING, f'{PHONE}:{port}', f'{PEER}:5070'),
                                           (POSTROUTING, f'{PEER}:5070', f'{PHONE}:{port}')])
        watched.packets.clear()
        phone, peer = self.udp(self.phone, PHONE, 6000), self.udp(self.outside, PEER, 6060)
        for payload in (b'ACK sip:a SIP/2.0\r\n', b'BYE sip:a SIP/2.0\r\n', b'ACKNOWLEDGED', b'\r\n\r\n', b''):
            phone.sendto(payload, (PEER, 6060))
            self.assertEqual(receive(peer)[0], payload)
        self.assertEqual(watched.packets, 2 * [(PREROUTING, f'{PHONE}:6000', f'{PEER}:6060')])
        watched.packets.clear()
        # Packets on configured SIP ports are not reported, and neither are packets within the inside or to the router.
        driver(f'apply add listener udp {PHONE}:6000 60')
        server = self.udp(self.outside, PEER, 5060)
        for socket_, address in ((peer, (PEER, 6060)), (server, (PEER, 5060))):
            phone.sendto(b'INVITE sip:a SIP/2.0\r\n', address)
            self.assertEqual(receive(socket_)[0], b'INVITE sip:a SIP/2.0\r\n')
        own = self.udp(self.router, '192.168.1.1', 5080)
        self.udp(self.phone, PHONE, 6002).sendto(b'INVITE sip:a SIP/2.0\r\n', ('192.168.1.1', 5080))
        receive(own)
        self.assertEqual(watched.packets, [])
        self.assertEqual(len(signalling.packets), 2)

    def test_sip_on_other_ports_is_not_queued_without_find_sip(self):
        self.install()
        _, watched = self.readers()
        phone, peer = self.udp(self.phone, PHONE, 6000), self.udp(self.outside, PEER, 6060)
        phone.sendto(b'INVITE sip:a SIP/2.0\r\n', (PEER, 6060))
        receive(peer)
        self.assertEqual(watched.packets, [])

    def test_sip_on_other_ports_is_queued_at_a_limited_rate(self):
        self.install('--find-sip')
        _, watched = self.readers()
        phone, peer = self.udp(self.phone, PHONE, 6000), self.udp(self.outside, PEER, 6060)
        sent = {b'INVITE %d' % number for number in range(150)}
        for payload in sent:
            phone.sendto(payload, (PEER, 6060))
        self.assertEqual({receive(peer)[0] for _ in sent}, sent)
        self.assertGreaterEqual(len(watched.packets), 40)
        self.assertLess(len(watched.packets), 120)


if __name__ == '__main__':
    namespaces.main()
