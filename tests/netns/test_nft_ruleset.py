#!/usr/bin/python3
"""The daemon's table: installation, adoption, changes, refusals and removal."""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'platform'))
import namespaces  # noqa: E402
from namespaces import Driver, DriverTest, Refused  # noqa: E402

DOCUMENT = namespaces.ROOT / 'nft/sipalg.nft'
MAPPING = 'mapping udp 192.168.1.2:5060 203.0.113.1:5060'
PINHOLE = 'pinhole udp 203.0.113.5 203.0.113.1:5060'
LISTENER = 'listener udp 192.168.1.2:5060'
RECORD = 'record 7 0 hello'


def setUpModule():
    namespaces.require()


def normal(text):
    """Without comments and blank lines; the xtables form of the queue statement as the native one."""
    text = re.sub(r'queue num ([0-9:-]+) bypass', lambda m: 'queue flags bypass to ' + m[1].replace(':', '-'),
                  text)
    text = re.sub(r'queue num ([0-9:-]+)(?! bypass)', lambda m: 'queue to ' + m[1].replace(':', '-'), text)
    lines = (re.sub(r'\s*#(?=([^"]*"[^"]*")*[^"]*$).*', '', line) for line in text.splitlines())
    return [line.rstrip() for line in lines if line.strip()]


class RulesetTest(DriverTest):
    def setUp(self):
        self.space = self.namespace('r')

    def driver(self, *options):
        return self.driver_in(self.space, *options)

    def assertHolds(self, driver, timeouts):
        """The kernel has exactly these elements, and their timeouts less the time that has passed."""
        held = dict(line.rsplit(' ', 1) for line in driver('read'))
        self.assertEqual(sorted(held), sorted(timeouts))
        for element, timeout in timeouts.items():
            self.assertIn(int(held[element]), range(timeout - 90, timeout + 1), element)

    def ruleset(self):
        return self.space.run('nft', 'list', 'ruleset')

    def table(self):
        return self.space.run('nft', 'list', 'table', 'inet', 'sipalg')

    def test_listing_equals_document_and_text(self):
        driver = self.driver()
        driver('install')
        listed = normal(self.table())
        self.assertEqual(listed, normal(DOCUMENT.read_text()))
        self.assertEqual(listed, normal('\n'.join(driver('text'))))

    def test_listing_equals_text_with_other_settings(self):
        driver = self.driver('--inside', 'lan', '--sip-port', '5070', '--queues', '2')
        driver('install')
        self.assertEqual(normal(self.table()), normal('\n'.join(driver('text'))))

    def test_listing_equals_text_with_find_sip(self):
        for options in ((), ('--inside', 'lan')):
            driver = self.driver('--find-sip', '--tls-port', '443', '--tls-port', '5061', *options)
            driver('install')
            self.assertEqual(normal(self.table()), normal('\n'.join(driver('text'))))
            driver('install')  # a second time, over the existing table
            driver('remove')
            driver.close()

    def test_document_loads_with_nft_itself(self):
        text = DOCUMENT.read_text()
        if self.driver()('method') != ['native']:  # this kernel's nft can't load a queue statement
            text = re.sub(r'queue (flags bypass )?to \d+', 'accept', text)
        self.space.nft(text)
        self.assertEqual(normal(self.table()), normal(text))

    def test_check_changes_nothing(self):
        self.space.nft('add table ip other')
        before = self.ruleset()
        self.driver()('check')
        self.assertEqual(self.ruleset(), before)

    def test_remove_leaves_the_ruleset_as_it_was(self):
        self.space.nft('table inet fw {\n chain forward {\n type filter hook forward priority 0; policy drop;\n'
                       ' ct state established accept comment "keep"\n }\n}')
        before = self.ruleset()
        driver = self.driver('--accept-in', 'inet fw forward')
        driver('install')
        self.assertIn('accept comment "sipalg:sipalg"', self.ruleset())
        driver(f'apply add {MAPPING} 60')
        driver('remove')
        self.assertEqual(self.ruleset(), before)
        driver('remove')  # removing an expired element is not an error
        driver('install')
        self.space.nft('flush ruleset')
        driver('remove')
        self.assertEqual(self.ruleset(), '')

    def test_elements_round_trip(self):
        driver = self.driver()
        driver('install')
        elements = {MAPPING: 100, PINHOLE: 200, LISTENER: 300, RECORD: 400,
                    'mapping_via udp wan2 192.168.1.2:4000 198.51.100.1:4000': 450,
                    'record 4294967295 9 ' + 'x' * 240: 500}
        driver('apply ' + ';'.join(f'add {e} {t}' for e, t in elements.items()))
        self.assertHolds(driver, elements)
        self.assertIn('0x00000007 . 0x00000000 timeout 6m40s', self.table())  # nft copes with our user data

    def test_saved_listing_can_be_loaded_again(self):
        driver = self.driver()
        if driver('method') != ['native']:
            self.skipTest('the xtables form of the queue statement cannot be loaded by nft')
        driver('install')
        driver(f'apply add {MAPPING} 600; add {RECORD} 600')
        saved = self.ruleset()
        self.space.nft('flush ruleset\n' + saved)

    def test_mapping_is_read_only_when_both_halves_are_there(self):
        driver = self.driver()
        driver('install')
        driver(f'apply add {MAPPING} 300; add {PINHOLE} 300')
        self.space.nft('delete element inet sipalg mappings_in { udp . 203.0.113.1 . 5060 }')
        self.assertHolds(driver, {PINHOLE: 300})
        driver(f'apply add {MAPPING} 400')  # the existing half of the mapping does not block it
        self.assertHolds(driver, {MAPPING: 400, PINHOLE: 300})

    def test_renew_and_repeated_add_give_the_full_timeout(self):
        driver = self.driver()
        driver('install')
        for op in ('add', 'renew'):
            for element in (MAPPING, PINHOLE, LISTENER, RECORD):
                driver(f'apply add {element} 100')
                driver(f'apply {op} {element} 900')
                self.assertHolds(driver, {element: 900})
                driver(f'apply remove {element}')
        self.assertHolds(driver, {})

    def test_removal_of_an_absent_element(self):
        driver = self.driver()
        driver('install')
        driver(f'apply remove {MAPPING}; remove {PINHOLE}; remove {LISTENER}; remove {RECORD}')
        driver(f'apply remove {MAPPING}; remove {MAPPING}; remove {PINHOLE}; remove {PINHOLE}')
        self.assertHolds(driver, {})

    def test_removal_and_renewal_of_expired_elements(self):
        driver = self.driver()
        driver('install')
        elements = (MAPPING, PINHOLE, LISTENER, RECORD)
        add = 'apply ' + ';'.join(f'add {e} 1' for e in elements)
        for then in ('remove {}', 'renew {} 600'):
            driver(add)
            namespaces.until(lambda: not driver('read'), 'the elements to expire')
            driver('apply ' + ';'.join(then.format(e) for e in elements))
        self.assertHolds(driver, {e: 600 for e in elements})

    def test_element_with_other_data_is_replaced_with_both_halves(self):
        driver = self.driver()
        driver('install')
        driver(f'apply add {MAPPING} 300; add mapping udp 192.168.1.3:5060 203.0.113.1:5062 300')
        for op in ('add', 'renew'):
            driver(f'apply add {MAPPING} 300; add mapping udp 192.168.1.3:5060 203.0.113.1:5062 300')
            driver(f'apply {op} mapping udp 192.168.1.2:5060 203.0.113.1:5062 400')
            self.assertHolds(driver, {'mapping udp 192.168.1.2:5060 203.0.113.1:5062': 400})
            for name in ('mappings_in', 'mappings_out'):  # neither half of the old mapping remains
                listed = self.space.run('nft', 'list', 'map', 'inet', 'sipalg', name)
                self.assertEqual(listed.count('timeout '), 1, listed)
        driver('apply add record 7 0 one 300')
        for op, text in (('renew', 'two'), ('add', 'three')):
            driver(f'apply {op} record 7 0 {text} 300')
            self.assertIn(f'record 7 0 {text}', ' '.join(driver('read')))

    def test_removal_spares_another_mapping_of_the_same_endpoint(self):
        driver = self.driver()
        driver('install')
        driver('apply add mapping udp 192.168.1.2:5060 203.0.113.1:5062 300')
        driver(f'apply remove {MAPPING}')
        self.assertHolds(driver, {'mapping udp 192.168.1.2:5060 203.0.113.1:5062': 300})

    def test_changes_of_one_transaction_act_in_their_order(self):
        driver = self.driver()
        driver('install')
        driver(f'apply add {PINHOLE} 300; remove {PINHOLE}')
        self.assertHolds(driver, {})
        driver(f'apply remove {PINHOLE}; add {PINHOLE} 300')
        driver(f'apply remove {MAPPING}; add mapping udp 192.168.1.2:5060 203.0.113.1:5062 300; '
               f'add {PINHOLE} 400; remove {LISTENER}; add {LISTENER} 300; remove {LISTENER}')
        self.assertHolds(driver, {'mapping udp 192.168.1.2:5060 203.0.113.1:5062': 300, PINHOLE: 400})

    def test_transaction_is_all_or_nothing(self):
        driver = self.driver()
        driver('install')
        with self.assertRaisesRegex(Refused, 'of one family'):
            driver(f'apply add {MAPPING} 30; add pinhole udp 2001:db8::5 203.0.113.1:5060 30')
        with self.assertRaisesRegex(Refused, 'timeout'):
            driver(f'apply add {MAPPING} 30; add {PINHOLE} 0')
        with self.assertRaisesRegex(Refused, 'too long'):
            driver(f'apply add {MAPPING} 30; add record 1 1 ' + 'x' * 241 + ' 30')
        self.assertHolds(driver, {})

    def test_refusal_when_the_table_is_gone(self):
        driver = self.driver()
        driver('install')
        self.space.nft('delete table inet sipalg')
        with self.assertRaisesRegex(Refused, 'table inet sipalg is gone'):
            driver(f'apply add {MAPPING} 30')
        self.assertHolds(driver, {})
        driver('install')
        driver(f'apply add {MAPPING} 30')

    def test_large_transaction(self):
        driver = self.driver()
        driver('install')
        many = [f'pinhole udp 203.0.113.{n % 250 + 1} 203.0.113.1:{20000 + n}' for n in range(10000)]
        driver('apply ' + ';'.join(f'add {p} 60' for p in many))
        self.assertEqual(len(driver('read')), 10000)
        driver('apply ' + ';'.join(f'remove {p}' for p in many))
        self.assertHolds(driver, {})

    def test_elements_of_a_killed_daemon_stay_and_the_rest_is_replaced(self):
        first = self.driver()
        first('install')
        elements = {e: 500 for e in (MAPPING, PINHOLE, LISTENER, RECORD)}
        first('apply ' + ';'.join(f'add {e} 500' for e in elements))
        first.kill()
        self.space.nft('add rule inet sipalg admit accept\nadd chain inet sipalg stray\n'
                       'add element inet sipalg outside { "old" }\nadd set inet sipalg odd { type mark; }')
        second = self.driver('--sip-port', '5070')
        self.assertHolds(second, elements)
        second('install')
        self.assertHolds(second, elements)
        listed = re.sub(r'\n\t\telements = \{[^}]*timeout[^}]*\}', '', self.table())
        self.assertEqual(normal(listed), normal('\n'.join(second('text'))))

    def test_a_set_of_another_form_is_replaced(self):
        first = self.driver()
        first('install')
        first(f'apply add {MAPPING} 500; add {RECORD} 500')
        first.kill()
        self.space.nft('flush chain inet sipalg from_inside\nflush chain inet sipalg to_inside\n'
                       'flush chain inet sipalg other_ports_outward\nflush chain inet sipalg other_ports_inward\n'
                       'delete set inet sipalg listeners\ndelete set inet sipalg records\n'
                       'add set inet sipalg listeners { type ipv4_addr; flags timeout; }')
        second = self.driver()
        second('install')
        second(f'apply add {LISTENER} 300')
        self.assertHolds(second, {MAPPING: 500, LISTENER: 300})

    def test_set_outside(self):
        driver = self.driver()
        driver('install')
        driver('set_outside ppp0 wan2')
        for name in ('outside', 'outside_route'):
            listed = self.space.run('nft', 'list', 'set', 'inet', 'sipalg', name)
            self.assertEqual(sorted(re.findall(r'"(.*?)"', listed)), ['ppp0', 'wan2'])
        with self.assertRaisesRegex(Refused, 'not an interface name'):
            driver('set_outside an-interface-too-long')
        self.assertEqual(sorted(set(re.findall(r'"(ppp0|wan2?)"', '\n'.join(driver('text'))))), ['ppp0', 'wan2'])

    def test_without_an_outside_interface(self):
        driver = Driver(self.space)
        self.addCleanup(driver.close)
        driver('install')
        self.assertEqual(normal(self.table()), normal('\n'.join(driver('text'))))
        driver('set_outside wan')
        self.assertEqual(normal(self.table()), normal(DOCUMENT.read_text()))
        driver('set_outside')
        self.assertNotIn('"wan"', self.table())

    def test_loss_of_the_table_or_of_rules_in_it_is_found(self):
        fw = 'table inet fw {\n chain forward {\n type filter hook forward priority 0;\n }\n}\n'
        self.space.nft(fw)
        driver = self.driver('--accept-in', 'inet fw forward')
        self.assertEqual(driver('missing'), ['table'])
        for loss, missing in (('delete table inet sipalg', 'table'), ('flush chain inet sipalg from_inside', 'table'),
                              ('flush table inet sipalg', 'table'), ('flush chain inet fw forward', 'nothing'),
                              ('delete table inet fw\n' + fw, 'nothing'), ('flush ruleset\n' + fw, 'table')):
            driver('install')
            self.assertEqual(driver('missing'), ['nothing'])
            self.space.nft(loss)
            self.assertEqual(driver('missing'), [missing], loss)
        driver('install')
        self.space.nft('add rule inet sipalg from_inside counter')
        self.assertEqual(driver('missing'), ['nothing'], 'more than was installed')
        self.space.nft('flush ruleset')
        self.assertEqual(driver('missing'), ['table'])

    def test_one_daemon_for_a_table_in_a_namespace(self):
        first = self.driver()
        with self.assertRaisesRegex(Refused, 'another sipalgd owns table sipalg.*--table'):
            self.driver()
        self.driver('--table', 'sipalg2')
        elsewhere = self.namespace('e')
        Driver(elsewhere, '--outside', 'wan').close()
        first.kill()
        self.driver()

    def test_foreign_table_is_left_alone(self):
        self.space.nft('add table inet sipalg { comment "mine"; }')
        before = self.ruleset()
        with self.assertRaisesRegex(Refused, 'not made by sipalgd'):
            self.driver()
        self.assertEqual(self.ruleset(), before)

    def test_without_privilege_the_remedy_is_named(self):
        result = self.space.run('setpriv', '--bounding-set=-net_admin', '--inh-caps=-net_admin',
                                str(namespaces.driver_path()), '--outside', 'wan', check=False)
        self.assertRegex(result, 'error: .*CAP_NET_ADMIN.*root.*AmbientCapabilities.*setcap')

    def test_bad_settings(self):
        for options, words in ((('--outside', 'bad name'), 'not an interface name'),
                               (('--table', 'a b'), 'table name'), (('--queues', '0'), 'queue numbers')):
            with self.assertRaisesRegex(Refused, words):
                self.driver(*options)


if __name__ == '__main__':
    namespaces.main()
