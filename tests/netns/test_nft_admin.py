#!/usr/bin/python3
"""The administrator's ruleset around the table: chains to accept in, kernel helpers that are in the way."""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'platform'))
import namespaces  # noqa: E402
from namespaces import DriverTest, Refused  # noqa: E402

CHAINS = '''
table inet fw {
    chain forward {
        type filter hook forward priority filter; policy drop;
        ct state established accept
    }
    chain input {
        type filter hook input priority filter; policy drop;
    }
    chain regular {
        accept
    }
}
table ip old {
    chain forward-late {
        type filter hook forward priority filter + 10; policy accept;
    }
    chain nat {
        type nat hook postrouting priority srcnat; policy accept;
    }
}
table ip6 six {
    chain forward {
        type filter hook forward priority filter; policy drop;
    }
}
'''
RULE = 'ct mark & 0x10000000 == 0x10000000 accept comment "sipalg:sipalg"'


def setUpModule():
    namespaces.require()


class AdminTest(DriverTest):
    def setUp(self):
        self.space = self.namespace('a')

    def driver(self, *options):
        return self.driver_in(self.space, *options)

    def ruleset(self):
        return self.space.run('nft', 'list', 'ruleset')

    def accepting(self):
        """(table, chain, position) of each accept rule."""
        found, table, chain, position = [], None, None, 0
        for line in self.ruleset().splitlines():
            if match := re.match(r'table (\S+ \S+)', line):
                table = match[1]
            elif match := re.match(r'\tchain (\S+)', line):
                chain, position = match[1], 0
            elif line.startswith('\t\t') and not line.startswith('\t\ttype'):
                if line.strip() == RULE:
                    found.append((table, chain, position))
                position += 1
        return found

    def test_given_chains_get_the_rule_at_their_head(self):
        self.space.nft(CHAINS)
        before = self.ruleset()
        driver = self.driver('--accept-in', 'inet fw forward', '--accept-in', 'ip6 six forward')
        self.assertEqual(driver('chains'), ['inet fw forward', 'ip6 six forward'])
        driver('check')
        self.assertEqual(self.ruleset(), before)
        driver('install')
        wanted = [('inet fw', 'forward', 0), ('ip6 six', 'forward', 0)]
        self.assertEqual(self.accepting(), wanted)
        driver('install')  # once more: still one rule each
        self.assertEqual(self.accepting(), wanted)
        self.assertIn(f'insert rule inet fw forward {RULE}', driver('text'))
        driver('remove')
        self.assertEqual(self.ruleset(), before)

    def test_auto_finds_forward_chains_of_ip_and_inet(self):
        self.space.nft(CHAINS)
        driver = self.driver('--accept-auto', '--accept-in', 'inet fw forward')
        self.assertEqual(sorted(driver('chains')), ['inet fw forward', 'ip old forward-late'])
        driver('install')
        self.assertEqual(self.accepting(), [('inet fw', 'forward', 0), ('ip old', 'forward-late', 0)])

    def test_auto_without_any_chain(self):
        driver = self.driver('--accept-auto')
        self.assertEqual(driver('chains'), [])
        driver('install')

    def test_wrong_chain_is_refused_with_those_that_would_do(self):
        self.space.nft(CHAINS)
        for chain, words in (('inet fw nowhere', 'no such chain'), ('inet fw regular', 'not a base chain'),
                             ('ip old nat', 'of type nat')):
            with self.assertRaises(Refused) as caught:
                self.driver('--accept-in', chain)
            self.assertIn(words, str(caught.exception))
            self.assertIn(f'--accept-in "{chain}"', str(caught.exception))
            self.assertIn('"inet fw forward", "ip old forward-late", "ip6 six forward"', str(caught.exception))
        self.space.nft('flush ruleset')
        with self.assertRaisesRegex(Refused, 'no chain that filters forwarded packets'):
            self.driver('--accept-in', 'inet fw forward')

    def test_rules_of_a_killed_daemon_are_replaced(self):
        self.space.nft(CHAINS)
        first = self.driver('--accept-in', 'inet fw forward', '--accept-in', 'ip old forward-late')
        first('install')
        other = self.driver('--table', 'sipalg2', '--accept-in', 'inet fw forward')
        other('install')
        first.kill()
        self.driver('--accept-in', 'ip old forward-late')('install')
        self.assertEqual(self.accepting(), [('ip old', 'forward-late', 0)])
        self.assertIn('comment "sipalg:sipalg2"', self.ruleset())  # another daemon's

    def test_chain_gone_meanwhile(self):
        self.space.nft(CHAINS)
        driver = self.driver('--accept-in', 'inet fw forward')
        self.space.nft('delete table inet fw')
        with self.assertRaisesRegex(Refused, 'ct mark .* accept'):
            driver('install')
        self.assertEqual(self.space.run('nft', 'list', 'tables').split('\n')[0], 'table ip old')  # nothing half
        self.space.nft(CHAINS.split('table ip old')[0])
        driver('install')
        self.space.nft('delete table inet fw')
        driver('remove')
        self.assertNotIn('sipalg', self.ruleset())

    def test_kernel_helper_object_in_a_rule_is_refused(self):
        self.space.nft('table inet h {\n ct helper sip-std {\n type "sip" protocol udp;\n }\n'
                       ' ct helper ftp-std {\n type "ftp" protocol tcp;\n }\n'
                       ' chain pre {\n type filter hook prerouting priority filter;\n'
                       ' tcp dport 21 ct helper set "ftp-std"\n }\n}')
        self.driver().close()  # an object that nothing uses does no harm
        self.space.nft('add rule inet h pre udp dport 5060 ct helper set "sip-std"')
        with self.assertRaises(Refused) as caught:
            self.driver()
        self.assertIn("kernel's own helper", str(caught.exception))
        command = re.search(r'`(nft delete rule inet h pre handle \d+)`', str(caught.exception))[1]
        self.space.run(*command.split())  # the message's own remedy
        self.driver()

    def test_kernel_helper_object_in_a_map_is_refused(self):
        self.space.nft('table inet h {\n ct helper sip-std {\n type "sip" protocol udp;\n }\n'
                       ' chain pre {\n type filter hook prerouting priority filter;\n'
                       ' ct helper set udp dport map { 5060 : "sip-std" }\n }\n}')
        with self.assertRaisesRegex(Refused, 'ct helper sip-std of table inet h'):
            self.driver()

    def test_kernel_helper_of_iptables_is_refused(self):
        command = ['iptables-nft', '-t', 'raw', '-A', 'PREROUTING', '-p', 'udp', '--dport', '5060', '-j', 'CT',
                   '--helper', 'sip']
        try:
            self.space.run(*command)
        except (AssertionError, FileNotFoundError) as error:
            self.skipTest(f'iptables-nft can not set a helper here: {error}')
        with self.assertRaises(Refused) as caught:
            self.driver()
        command = re.search(r'`(nft delete rule ip raw PREROUTING handle \d+)`', str(caught.exception))[1]
        self.space.run(*command.split())
        self.driver()

    def test_iptables_can_still_list_a_chain_that_accepts(self):
        try:
            self.space.run('iptables-nft', '-P', 'FORWARD', 'DROP')
        except (AssertionError, FileNotFoundError) as error:
            self.skipTest(f'iptables-nft does not work here: {error}')
        before = self.space.run('iptables-nft', '-S')
        driver = self.driver('--accept-in', 'ip filter FORWARD')
        driver('install')
        self.assertRegex(self.space.run('iptables-nft', '-S'), '-A FORWARD .*0x10000000/0x10000000.* -j ACCEPT')
        self.space.run('iptables-nft', '-A', 'FORWARD', '-j', 'ACCEPT')
        driver('remove')
        self.assertEqual(self.space.run('iptables-nft', '-S'), before + '-A FORWARD -j ACCEPT\n')


if __name__ == '__main__':
    namespaces.main()
