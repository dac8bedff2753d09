#!/usr/bin/python3
"""The effect of the table on packets of a phone, its peer and a stranger: NAT, pinholes, queueing, conntrack.

phone 192.168.1.2 (and a second one, .3) - router - outside 203.0.113.5 (peer) and 203.0.113.6 (stranger)
The administrator masquerades and drops what is forwarded inwards without being a reply.
"""
import pathlib
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'platform'))
import namespaces  # noqa: E402
from namespaces import DriverTest, receive, until  # noqa: E402
from nfqueue import Reader  # noqa: E402

ADMIN = '''
table ip nat {
    chain postrouting {
        type nat hook postrouting priority srcnat; policy accept;
        oifname "wan" masquerade
    }
}
table inet fw {
    counter marked { }
    chain forward {
        type filter hook forward priority filter; policy drop;
        ct state established,related accept
        iifname "lan" accept
    }
}
'''
PUBLIC = ('203.0.113.1', 17000)
MAPPING = 'mapping udp 192.168.1.2:7000 203.0.113.1:17000'
PINHOLE = 'pinhole udp 203.0.113.5 203.0.113.1:17000'
PREROUTING, POSTROUTING = 0, 4


def setUpModule():
    namespaces.require()


class TrafficTest(DriverTest):
    def setUp(self):
        self.phone, self.phone2, self.router, self.outside = (
            self.namespace(label) for label in ('phone', 'phone2', 'router', 'outside'))
        namespaces.join(self.router, 'lan', '192.168.1.1/25', self.phone, 'eth0', '192.168.1.2/25')
        namespaces.join(self.router, 'lan2', '192.168.1.129/25', self.phone2, 'eth0', '192.168.1.130/25')
        namespaces.join(self.router, 'wan', '203.0.113.1/24', self.outside, 'eth0', '203.0.113.5/24')
        self.outside.run('ip', 'address', 'add', '203.0.113.6/24', 'dev', 'eth0')
        self.phone.run('ip', 'route', 'add', 'default', 'via', '192.168.1.1')
        self.phone2.run('ip', 'route', 'add', 'default', 'via', '192.168.1.129')
        self.router.run('sysctl', '-qw', 'net.ipv4.ip_forward=1')
        self.router.nft(ADMIN)

    def install(self, *options):
        driver = self.driver_in(self.router, *options)
        driver('install')
        return driver

    def queue(self, number=5060):
        reader = Reader(self.router, number)
        self.addCleanup(reader.close)
        return reader

    def media(self):
        """Sockets of the phone's media port, its peer's and a stranger's."""
        return (self.udp(self.phone, '192.168.1.2', 7000), self.udp(self.outside, '203.0.113.5', 9000),
                self.udp(self.outside, '203.0.113.6', 9000))

    def test_first_packet_out_takes_the_mapped_endpoint(self):
        driver = self.install()
        phone, peer, stranger = self.media()
        driver(f'apply add {MAPPING} 60')
        for remote in (peer, stranger):  # endpoint-independent
            phone.sendto(b'out', remote.getsockname())
            self.assertEqual(receive(remote), (b'out', PUBLIC))
        other = self.udp(self.phone, '192.168.1.2', 7002)
        other.sendto(b'other', peer.getsockname())
        self.assertEqual(receive(peer), (b'other', ('203.0.113.1', 7002)))  # masqueraded as usual
        peer.sendto(b'reply', PUBLIC)
        self.assertEqual(receive(phone), (b'reply', peer.getsockname()))

    def test_pinhole_admits_its_remote_from_any_port_and_no_other_host(self):
        driver = self.install('--accept-in', 'inet fw forward')
        phone, peer, stranger = self.media()
        driver(f'apply add {MAPPING} 60; add {PINHOLE} 60')
        stranger.sendto(b'stranger', PUBLIC)
        for sock in (peer, self.udp(self.outside, '203.0.113.5', 9999)):
            sock.sendto(b'in', PUBLIC)  # before the phone has sent anything
            self.assertEqual(receive(phone), (b'in', sock.getsockname()))
        self.assertIsNone(receive(phone, 0.2))
        own = self.udp(self.router, *PUBLIC)  # without NAT it is addressed to the router itself
        stranger.sendto(b'stranger', PUBLIC)
        self.assertEqual(receive(own), (b'stranger', stranger.getsockname()))

    def test_mapping_without_pinhole_admits_no_host(self):
        driver = self.install('--accept-in', 'inet fw forward')
        phone, peer, _ = self.media()
        driver(f'apply add {MAPPING} 60')
        peer.sendto(b'in', PUBLIC)
        self.assertIsNone(receive(phone, 0.3))

    def test_drop_policy_needs_the_accept_rule(self):
        driver = self.install()
        phone, peer, _ = self.media()
        driver(f'apply add {MAPPING} 60; add {PINHOLE} 60')
        peer.sendto(b'dropped', PUBLIC)
        self.assertIsNone(receive(phone, 0.3))
        self.router.nft('insert rule inet fw forward ct mark & 0x10000000 == 0x10000000 accept')  # by hand
        peer.sendto(b'accepted', PUBLIC)
        self.assertEqual(receive(phone)[0], b'accepted')

    def test_mark_leaves_the_other_bits_alone(self):
        self.router.nft('table inet early {\n chain c {\n type filter hook prerouting priority mangle;\n'
                        ' iifname "wan" ct mark set 0x42\n }\n}\n'
                        'insert rule inet fw forward ct mark 0x10000042 counter name marked accept')
        driver = self.install()
        phone, peer, _ = self.media()
        driver(f'apply add {MAPPING} 60; add {PINHOLE} 60')
        peer.sendto(b'in', PUBLIC)
        self.assertEqual(receive(phone)[0], b'in')
        self.assertIn('packets 1 ', self.router.run('nft', 'list', 'counters'))

    def test_elements_end_with_their_timeout(self):
        driver = self.install('--accept-in', 'inet fw forward')
        phone, peer, _ = self.media()
        driver(f'apply add {MAPPING} 1; add {PINHOLE} 1')
        until(lambda: not driver('read'), 'the elements to expire')
        peer.sendto(b'late', PUBLIC)
        self.assertIsNone(receive(phone, 0.3))

    def test_without_a_reader_signalling_passes(self):
        self.install()
        phone = self.udp(self.phone, '192.168.1.2', 5060)
        peer = self.udp(self.outside, '203.0.113.5', 5060)
        phone.sendto(b'out', peer.getsockname())
        payload, source = receive(peer)
        self.assertEqual(payload, b'out')
        peer.sendto(b'back', source)
        self.assertEqual(receive(phone)[0], b'back')

    def test_signalling_is_queued_on_the_inside_edge(self):
        driver = self.install()
        reader = self.queue()
        phone = self.udp(self.phone, '192.168.1.2', 6000)
        peer = self.udp(self.outside, '203.0.113.5', 5060)
        driver('apply add mapping udp 192.168.1.2:6000 203.0.113.1:16000 60')
        phone.sendto(b'request', peer.getsockname())
        self.assertEqual(receive(peer), (b'request', ('203.0.113.1', 16000)))
        peer.sendto(b'response', ('203.0.113.1', 16000))
        self.assertEqual(receive(phone)[0], b'response')
        self.assertEqual(reader.packets,
                         [(PREROUTING, '192.168.1.2:6000', '203.0.113.5:5060'),
                          (POSTROUTING, '203.0.113.5:5060', '192.168.1.2:6000')])

    def test_listener_is_queued_whatever_the_other_port(self):
        driver = self.install()
        reader = self.queue()
        phone = self.udp(self.phone, '192.168.1.2', 6000)
        peer = self.udp(self.outside, '203.0.113.5', 6060)
        phone.sendto(b'before', peer.getsockname())
        source = receive(peer)[1]
        driver('apply add listener udp 192.168.1.2:6000 60')
        phone.sendto(b'after', peer.getsockname())
        self.assertEqual(receive(peer)[0], b'after')
        peer.sendto(b'back', source)
        self.assertEqual(receive(phone)[0], b'back')
        self.assertEqual(reader.packets,
                         [(PREROUTING, '192.168.1.2:6000', '203.0.113.5:6060'),
                          (POSTROUTING, '203.0.113.5:6060', '192.168.1.2:6000')])

    def test_what_is_not_queued(self):
        driver = self.install('--accept-in', 'inet fw forward')
        reader = self.queue()
        phone, peer, _ = self.media()
        driver(f'apply add {MAPPING} 60; add {PINHOLE} 60')
        peer.sendto(b'media in', PUBLIC)
        self.assertEqual(receive(phone)[0], b'media in')
        phone.sendto(b'media out', peer.getsockname())
        self.assertEqual(receive(peer)[0], b'media out')
        self.router.nft('insert rule inet fw forward iifname "lan" oifname "lan2" accept')
        sip = self.udp(self.phone, '192.168.1.2', 5060)
        for space, address in ((self.phone2, '192.168.1.130'), (self.router, '192.168.1.1'),
                               (self.router, '203.0.113.1')):
            sock = self.udp(space, address, 5060)
            sip.sendto(b'inside', sock.getsockname())
            self.assertEqual(receive(sock)[0], b'inside', address)
        own = self.udp(self.router, '203.0.113.1', 5062)
        peer.sendto(b'to the router', own.getsockname())
        self.assertEqual(receive(own)[0], b'to the router')
        self.assertEqual(reader.packets, [])

    def test_inside_interfaces_when_given(self):
        self.install('--inside', 'lan2')
        reader = self.queue()
        peer = self.udp(self.outside, '203.0.113.5', 5060)
        self.router.nft('insert rule inet fw forward iifname "lan2" accept')
        for space, address in ((self.phone, '192.168.1.2'), (self.phone2, '192.168.1.130')):
            self.udp(space, address, 5060).sendto(b'x', peer.getsockname())
            receive(peer)
        self.assertEqual(reader.packets, [(PREROUTING, '192.168.1.130:5060', '203.0.113.5:5060')])

    def test_both_directions_of_a_pair_reach_the_same_queue(self):
        self.install('--queues', '2')
        readers = [self.queue(5060), self.queue(5061)]
        peer = self.udp(self.outside, '203.0.113.5', 5060)
        self.router.nft('insert rule inet fw forward iifname "lan2" accept')
        for host in range(10, 26):
            self.phone.run('ip', 'address', 'add', f'192.168.1.{host}/25', 'dev', 'eth0')
            phone = self.udp(self.phone, f'192.168.1.{host}', 5060)
            phone.sendto(b'out', peer.getsockname())
            peer.sendto(b'back', receive(peer)[1])
            self.assertEqual(receive(phone)[0], b'back')
        used = [{source for hook, source, _ in reader.packets if hook == PREROUTING} for reader in readers]
        back = [{to for hook, _, to in reader.packets if hook == POSTROUTING} for reader in readers]
        self.assertEqual(used, back)
        self.assertTrue(all(used), 'both queues are used')

    def test_erase_ends_an_established_flow(self):
        driver = self.install('--accept-in', 'inet fw forward')
        phone, peer, _ = self.media()
        driver(f'apply add {MAPPING} 60; add {PINHOLE} 60')
        inward = 'udp 203.0.113.5:9000 203.0.113.1:17000'
        reply = 'udp 192.168.1.2:7000 203.0.113.5:9000'
        for named in (inward, reply):  # either direction finds the entry
            driver(f'apply add {MAPPING} 60; add {PINHOLE} 60')
            peer.sendto(b'in', PUBLIC)
            self.assertEqual(receive(phone)[0], b'in')
            phone.sendto(b'out', peer.getsockname())
            self.assertEqual(receive(peer), (b'out', PUBLIC))
            driver(f'apply remove {MAPPING}; remove {PINHOLE}')
            peer.sendto(b'still', PUBLIC)
            self.assertEqual(receive(phone)[0], b'still')
            driver(f'erase udp 192.0.2.1:1 192.0.2.2:2; {named}; {named}')  # also for flows without an entry
            peer.sendto(b'no more', PUBLIC)
            self.assertIsNone(receive(phone, 0.3))
            driver(f'erase {inward}')  # the entry of the last packet

    def test_known_flows(self):
        driver = self.install()
        phone, peer, _ = self.media()
        driver(f'apply add {MAPPING} 60')
        phone.sendto(b'out', peer.getsockname())
        receive(peer)
        with self.outside.entered():
            server = socket.create_server(('203.0.113.5', 7777))
        self.addCleanup(server.close)
        with self.phone.entered():
            client = socket.create_connection(('203.0.113.5', 7777), 10)
        self.addCleanup(client.close)
        asked = {'udp 192.168.1.2:7000 203.0.113.5:9000': 'yes', 'udp 203.0.113.5:9000 203.0.113.1:17000': 'yes',
                 'udp 192.168.1.2:7000 203.0.113.5:9001': 'no', 'tcp 192.168.1.2:7000 203.0.113.5:9000': 'no',
                 f'tcp 192.168.1.2:{client.getsockname()[1]} 203.0.113.5:7777': 'yes',
                 'udp [2001:db8::1]:7000 [2001:db8::2]:9000': 'no'}
        self.assertEqual(driver('known ' + '; '.join(asked)), list(asked.values()))
        many = [f'udp 192.168.1.2:7000 203.0.113.5:{port}' for port in range(8500, 9500)]
        answers = driver('known ' + '; '.join(many))
        self.assertEqual([many[i] for i, word in enumerate(answers) if word == 'yes'],
                         ['udp 192.168.1.2:7000 203.0.113.5:9000'])

    def test_dump_shows_both_directions(self):
        driver = self.install()
        phone, peer, _ = self.media()
        driver(f'apply add {MAPPING} 60')
        phone.sendto(b'out', peer.getsockname())
        receive(peer)
        flows = [line.rsplit(' ', 5) for line in driver('dump') if '7000' in line]
        self.assertEqual([flow for flow, *_ in flows],
                         ['flow 192.168.1.2:7000 203.0.113.5:9000 203.0.113.5:9000 203.0.113.1:17000'])
        self.assertIn(int(flows[0][1]), range(0, 4))  # seconds since the last packet
        self.assertEqual(flows[0][2], '0', 'nobody has answered')

    def test_long_dump_comes_whole_and_all_can_be_erased_at_once(self):
        driver = self.install()
        phone = self.udp(self.phone, '192.168.1.2', 7000)
        for port in range(20000, 22000):
            phone.sendto(b'x', ('203.0.113.5', port))
        wanted = {f'203.0.113.5:{port}' for port in range(20000, 22000)}
        until(lambda: wanted <= {line.split()[2] for line in driver('dump')}, 'all flows in a dump')
        driver('erase ' + ';'.join(f'udp 192.168.1.2:7000 {remote}' for remote in sorted(wanted)))
        left = {line.split()[2] for line in driver('dump')}
        self.assertEqual(wanted & left, set())

    def test_dump_has_no_tcp(self):
        driver = self.install()
        with self.outside.entered():
            server = socket.create_server(('203.0.113.5', 7777))
        self.addCleanup(server.close)
        with self.phone.entered():
            client = socket.create_connection(('203.0.113.5', 7777), 10)
        self.addCleanup(client.close)
        self.udp(self.phone, '192.168.1.2', 7000).sendto(b'x', ('203.0.113.5', 7778))
        until(lambda: any(':7778' in line for line in driver('dump')), 'the UDP flow')
        self.assertFalse(any(':7777' in line for line in driver('dump')))


if __name__ == '__main__':
    namespaces.main()
