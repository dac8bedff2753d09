#!/usr/bin/python3
"""Notifications of changes by other programs: one for each transaction, none for our own."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'platform'))
import namespaces  # noqa: E402
from namespaces import Driver, Namespace  # noqa: E402

OTHERS = 'table inet other {\n set s {\n type ipv4_addr\n flags timeout\n }\n chain c { }\n}\n'


def setUpModule():
    namespaces.require()


class Monitor(unittest.TestCase):
    def setUp(self):
        self.space = Namespace('monitor')
        self.addCleanup(self.space.close)
        self.driver = Driver(self.space, '--outside', 'wan')
        self.addCleanup(self.driver.close)
        self.driver('listen')

    def changed(self):
        return self.driver('changed') == ['yes']

    def test_own_transactions_are_not_reported(self):
        for command in ('install', 'apply add pinhole udp 203.0.113.5 203.0.113.1:30000 60',
                        'apply remove pinhole udp 203.0.113.5 203.0.113.1:30000', 'set_outside wan2', 'bench 50',
                        'remove'):
            self.driver(command)
            self.assertFalse(self.changed(), command)

    def test_transactions_of_others_are_reported_after_own_ones(self):
        self.driver('install')
        self.driver('apply add pinhole udp 203.0.113.5 203.0.113.1:30000 60')
        self.space.nft('delete table inet sipalg')
        with self.assertRaises(namespaces.Refused):
            self.driver('apply add pinhole udp 203.0.113.5 203.0.113.1:30001 60')
        self.assertTrue(self.changed())
        self.space.nft(OTHERS)
        self.assertTrue(self.changed())

    def test_each_transaction_of_others_is_reported_once(self):
        self.driver('install')
        for change in (OTHERS, 'add element inet other s { 192.0.2.1 timeout 100ms }', 'delete table inet other',
                       'flush chain inet sipalg from_inside', 'delete table inet sipalg', 'flush ruleset\n' + OTHERS):
            self.space.nft(change)
            self.assertTrue(self.changed(), change)
            self.assertFalse(self.changed(), change)

    def test_reading_is_no_change(self):
        self.driver('install')
        self.space.nft('list ruleset')
        self.driver('check')
        self.assertFalse(self.changed())

    def test_an_overflow_is_one_change(self):
        """After thousands of notifications a change is still reported, and no old notification remains."""
        self.driver('install')
        self.space.nft(OTHERS)
        elements = ', '.join(f'10.{n >> 8}.{n & 255}.1' for n in range(20_000))
        self.space.nft(f'add element inet other s {{ {elements} }}')
        for n in range(300):
            self.space.nft(f'add element inet other s {{ 192.0.2.{n % 200} }}')
        self.space.nft('delete table inet sipalg')
        self.assertTrue(self.changed())
        self.assertEqual(self.driver('missing'), ['table'])
        for _ in range(10):
            self.changed()
        self.assertFalse(self.changed())

    def test_other_namespaces_are_not_reported(self):
        elsewhere = Namespace('elsewhere')
        self.addCleanup(elsewhere.close)
        elsewhere.nft(OTHERS)
        self.assertFalse(self.changed())


if __name__ == '__main__':
    namespaces.main()
