#!/usr/bin/python3
"""The owner's ruleset around the table: chains that need the accept rule, and conflicting kernel helpers."""
import pathlib
import re
import subprocess
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
RULE = 'ct direction original ct mark & 0x10000000 == 0x10000000 accept comment "sipalg:sipalg"'


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
        driver('check')
        self.assertEqual(driver('chains'), ['inet fw forward', 'ip6 six forward'])
        self.assertIn(f'insert rule inet fw forward {RULE}', driver('text'))
        self.assertEqual(self.ruleset(), before)
        driver('install')
        wanted = [('inet fw', 'forward', 0), ('ip6 six', 'forward', 0)]
        self.assertEqual(self.accepting(), wanted)
        driver('install')  # a second time: still one rule in each chain
        self.assertEqual(self.accepting(), wanted)
        self.assertIn(f'insert rule inet fw forward {RULE}', driver('text'))
        driver('remove')
        self.assertEqual(self.ruleset(), before)

    def places(self, *options, ruleset=None):
        """The chains that `auto` finds in a ruleset, without table and state."""
        self.space.nft('flush ruleset')
        if ruleset:
            self.space.nft(ruleset)
        driver = self.driver('--accept-auto', *options)
        driver('install')
        found = [place.split(' ', 1)[1] for place in driver('places') if not place.startswith('needless ')]
        driver('remove')
        driver.close()
        return found

    def test_auto_finds_the_chains_that_can_drop(self):
        """A4: in ip, ip6 and inet, by policy or by verdict; not input, nat, or chains that accept all."""
        self.space.nft(CHAINS)
        driver = self.driver('--accept-auto', '--accept-in', 'inet fw forward')
        driver('install')
        self.assertEqual(driver('chains'), ['inet fw forward', 'ip6 six forward'])
        self.assertEqual(self.accepting(), [('inet fw', 'forward', 0), ('ip6 six', 'forward', 0)])
        self.assertEqual(driver('places'), ['accepting inet fw forward', 'needless ip old forward-late: the chain cannot drop',
                                            'accepting ip6 six forward'])

    def test_auto_follows_verdicts_through_jumps_and_maps(self):
        """A4: a base chain drops in another chain that it reaches by jump, goto, named or anonymous verdict map."""
        for last, found in (('accept', False), ('drop', True), ('reject', True), ('log prefix "x" drop', True),
                            ('counter', False), ('ct state invalid drop', True)):
            for way in ('jump deep', 'goto deep', 'iifname vmap { "a" : jump deep }', 'iifname vmap @ways'):
                ruleset = ('table inet fw {\n map ways { type ifname : verdict; elements = { "a" : goto deep } }\n'
                           f' chain deeper {{ {last}; }}\n chain deep {{ jump deeper; }}\n'
                           f' chain forward {{ type filter hook forward priority 0; policy accept; {way}; }}\n}}')
                with self.subTest(last=last, way=way):
                    self.assertEqual(self.places(ruleset=ruleset), ['inet fw forward'] if found else [])
        for verdict, found in (('drop', True), ('accept', False)):
            ruleset = ('table inet fw {\n chain forward {\n type filter hook forward priority 0;'
                       f' tcp dport vmap {{ 22 : {verdict} }}\n }}\n}}')
            self.assertEqual(self.places(ruleset=ruleset), ['inet fw forward'] if found else [])

    def test_auto_leaves_mangle_chains_alone(self):
        """A4: an accept at the head of a mangle chain would skip the owner's DSCP rules."""
        ruleset = ('table inet m {\n chain forward {\n type filter hook forward priority mangle; policy drop;\n'
                   ' ip dscp set ef accept\n }\n}')
        self.assertEqual(self.places(ruleset=ruleset), [])

    def test_auto_without_any_chain(self):
        driver = self.driver('--accept-auto')
        driver('install')
        self.assertEqual(driver('places'), [])

    def test_chains_are_followed(self):
        """A4: a chain that appears, disappears, starts or stops to drop; none of our rules remain."""
        driver = self.driver('--accept-auto')
        driver('install')
        self.assertEqual(driver('follow'), [])
        self.space.nft(CHAINS)
        needless = 'needless ip old forward-late: the chain cannot drop'
        self.assertEqual(driver('follow'), ['accepting inet fw forward', needless, 'accepting ip6 six forward'])
        self.assertEqual(driver('follow'), [])
        self.space.nft('add rule ip old forward-late ip saddr 192.0.2.1 drop')
        self.assertEqual(driver('follow'), ['accepting ip old forward-late'])
        self.space.nft('flush chain ip old forward-late')
        self.assertEqual(driver('follow'), [needless])
        self.assertEqual(self.accepting(), [('inet fw', 'forward', 0), ('ip6 six', 'forward', 0)])
        self.space.nft('flush chain inet fw forward; add rule inet fw forward ct state established accept')
        self.assertEqual(driver('follow'), ['accepting inet fw forward'])
        self.assertEqual(self.accepting(), [('inet fw', 'forward', 0), ('ip6 six', 'forward', 0)])
        driver('remove')
        self.assertNotIn('sipalg', self.ruleset())

    def test_a_saved_ruleset_is_adopted(self):
        """A4: the output of `nft list ruleset` with our rules, loaded again: one rule in each chain, and none remains
        at the end."""
        self.space.nft(CHAINS)
        before = self.ruleset()
        first = self.driver('--accept-auto')
        first('install')
        saved = ''.join(self.space.run('nft', 'list', 'table', *table.split())
                        for table in ('inet fw', 'ip old', 'ip6 six'))
        first('remove')
        first.close()
        self.space.nft('flush ruleset\n' + saved)
        driver = self.driver('--accept-auto')
        driver('install')
        self.assertEqual(self.accepting(), [('inet fw', 'forward', 0), ('ip6 six', 'forward', 0)])
        self.space.nft('insert rule inet fw forward ' + RULE)
        driver('follow')
        self.assertEqual(self.accepting(), [('inet fw', 'forward', 0), ('ip6 six', 'forward', 0)])
        driver('remove')
        self.assertEqual(self.ruleset(), before)

    def test_a_rule_of_an_older_version_is_replaced(self):
        """A4: the rule that accepted both directions."""
        self.space.nft(CHAINS)
        self.space.nft('insert rule inet fw forward ' + RULE.replace('ct direction original ', ''))
        self.driver('--accept-auto')('install')
        self.assertEqual(self.accepting(), [('inet fw', 'forward', 0), ('ip6 six', 'forward', 0)])
        self.assertEqual(self.ruleset().count('0x10000000 accept'), 2)

    def test_a_table_with_an_owner_costs_only_its_own_chain(self):
        """A4: newer firewalld owns its table, so other programs cannot add rules: a warning with the remedy."""
        self.space.nft(CHAINS)
        owner = subprocess.Popen(['ip', 'netns', 'exec', self.space.name, 'nft', '-i'], stdin=subprocess.PIPE,
                                 stdout=subprocess.DEVNULL, text=True)
        owner.stdin.write('add table inet firewalld { flags owner; chain filter_FORWARD { '
                          'type filter hook forward priority 10; policy drop; }; }\n')
        owner.stdin.flush()
        namespaces.until(lambda: 'filter_FORWARD' in self.ruleset(), 'the owned table')
        try:
            driver = self.driver('--accept-auto')
            for command in ('check', 'install'):
                driver(command)
                refused = [place for place in driver('places') if place.startswith('refused')]
                self.assertEqual(len(refused), 1, driver('places'))
                self.assertRegex(refused[0], 'refused inet firewalld filter_FORWARD: .*NftablesTableOwner=no')
                self.assertEqual(driver('chains'), ['inet fw forward', 'ip6 six forward'])
            self.assertEqual(driver('follow'), driver('places'))
            self.assertEqual(driver('follow'), [])
            driver('remove')
        finally:
            owner.stdin.close()
            owner.wait(10)

    def test_wrong_chain_is_refused_with_those_that_would_do(self):
        self.space.nft(CHAINS)
        for chain, words in (('inet fw regular', 'not a base chain'), ('ip old nat', 'of type nat'),
                             ('inet fw input', 'not a chain of the forward hook')):
            with self.assertRaises(Refused) as caught:
                self.driver('--accept-in', chain)
            self.assertIn(words, str(caught.exception))
            self.assertIn(f'--accept-in "{chain}"', str(caught.exception))
            self.assertIn('"inet fw forward", "ip old forward-late", "ip6 six forward"', str(caught.exception))

    def test_a_named_chain_is_waited_for(self):
        """A4: at boot the firewall may start after the daemon."""
        driver = self.driver('--accept-in', 'inet fw forward')
        driver('check')
        driver('install')
        absent = ['absent inet fw forward: there is no such chain; waiting for it']
        self.assertEqual(driver('places'), absent)
        self.space.nft(CHAINS)
        driver('follow')
        self.assertEqual(self.accepting(), [('inet fw', 'forward', 0)])
        self.space.nft('delete table inet fw')
        self.assertEqual(driver('follow'), absent)
        driver('remove')
        self.assertNotIn('sipalg', self.ruleset())

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

    def test_changes_of_others_are_told_from_our_own(self):
        driver = self.driver()
        driver('install')
        self.assertEqual(driver('others'), ['yes'])  # the first time
        for _ in range(3):
            driver('apply add pinhole udp 192.0.2.1 203.0.113.1:4000 60')
            driver('apply renew pinhole udp 192.0.2.1 203.0.113.1:4000 60; add record 1 2 abc 60')
            driver('apply remove pinhole udp 192.0.2.1 203.0.113.1:4000')
            driver('apply remove record 1 2 abc')
            driver('set_outside wan wan2')
            self.assertEqual(driver('others'), ['no'])
        self.space.nft('add table inet other')
        self.assertEqual(driver('others'), ['yes'])
        self.assertEqual(driver('others'), ['no'])

    def test_flushed_sets_are_missed(self):
        """A5: `nft flush set` on any set that holds elements or settings; not the loss of one element."""
        driver = self.driver()
        driver('install')
        elements = {'listeners': 'listener udp 192.168.1.2:5060', 'pinholes': 'pinhole udp 192.0.2.1 203.0.113.1:4000',
                    'pinholes6': 'pinhole udp 2001:db8::5 [2001:db8::1]:4000', 'pinholes_any': 'open udp 203.0.113.1:4',
                    'mappings_out': 'mapping udp 192.168.1.2:4000 203.0.113.1:4000',
                    'mappings_via': 'mapping_via udp wan2 192.168.1.2:4000 198.51.100.1:4000',
                    'shifted': 'shifted 192.168.1.2:4000 203.0.113.5:5060', 'records': 'record 1 2 abc'}
        expected = '; '.join(f'add {element} {60 + n}' for n, element in enumerate(elements.values()))
        driver('apply ' + expected + '; add listener udp 192.168.1.3:5060 30')
        self.assertEqual(driver('missing ' + expected), ['nothing'])
        self.space.nft('delete element inet sipalg listeners { udp . 192.168.1.3 . 5060 }')
        self.assertEqual(driver('missing ' + expected + '; add listener udp 192.168.1.3:5060 30'), ['nothing'])
        for name in [*elements, 'mappings_in', 'outside', 'outside_route', 'sip_ports', 'tls_ports',
                     'signalling_ports', 'transports']:
            self.space.nft(('flush map inet sipalg ' if 'mappings' in name else 'flush set inet sipalg ') + name)
            with self.subTest(name=name):
                self.assertEqual(driver('missing ' + expected), ['table'])
                driver('install')
                driver('apply ' + expected)
                self.assertEqual(driver('missing ' + expected), ['nothing'])

    def test_kernel_helper_object_in_a_rule_is_refused(self):
        self.space.nft('table inet h {\n ct helper sip-std {\n type "sip" protocol udp;\n }\n'
                       ' ct helper ftp-std {\n type "ftp" protocol tcp;\n }\n'
                       ' chain pre {\n type filter hook prerouting priority filter;\n'
                       ' tcp dport 21 ct helper set "ftp-std"\n }\n}')
        self.driver().close()  # an object that nothing uses does no harm
        self.space.nft('add rule inet h pre udp dport 5060 ct helper set "sip-std"')
        with self.assertRaises(Refused) as caught:
            self.driver()
        self.assertIn("kernel's own SIP helper", str(caught.exception))
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

    def iptables(self, *arguments, command='iptables-nft', text=None):
        try:
            return self.space.run(command, *arguments, given=text)
        except (AssertionError, FileNotFoundError) as error:
            self.skipTest(f'{command} does not work here: {error}')

    def test_iptables_lists_saves_and_restores_the_rule(self):
        """A4: the rule is one that iptables-nft can read; saved and restored it is adopted, not doubled."""
        for command, place in (('iptables-nft', 'ip filter FORWARD'), ('ip6tables-nft', 'ip6 filter FORWARD')):
            self.space.nft('flush ruleset')
            self.iptables('-P', 'FORWARD', 'DROP', command=command)
            before = self.iptables('-S', command=command)
            driver = self.driver('--accept-auto')
            driver('install')
            self.assertEqual(driver('chains'), [place])
            rule = ('-A FORWARD -m conntrack --ctdir ORIGINAL -m connmark --mark 0x10000000/0x10000000 '
                    '-m comment --comment "?sipalg:sipalg"? -j ACCEPT')
            self.assertRegex(self.iptables('-S', command=command), rule)
            self.iptables('-A', 'FORWARD', '-j', 'ACCEPT', command=command)
            saved = self.iptables(command=command + '-save')
            self.iptables(command=command + '-restore', text=saved)
            driver('follow')
            self.assertEqual(len(re.findall(rule, self.iptables('-S', command=command))), 1)
            driver('remove')
            self.assertEqual(self.iptables('-S', command=command), before + '-A FORWARD -j ACCEPT\n')
            driver.close()


if __name__ == '__main__':
    namespaces.main()
