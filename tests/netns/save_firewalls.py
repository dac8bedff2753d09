#!/usr/bin/python3
"""Saves the rulesets that real firewalls write, for test_offload_firewalls on a machine where these programs start too slowly.

usage: save_firewalls.py DIRECTORY     NAME.rules is for iptables-nft-restore, NAME.rules6 for ip6tables-nft-restore, NAME.nft
for nft. A firewall that cannot be started here is left out, with the reason.
"""
import os
import sys
import unittest

from lab import Lab
from test_firewall_programs import Firewalld, Shorewall, Ufw

COMMANDS = {"nft": ("nft", "-s", "list", "ruleset"), "rules": ("iptables-nft-save",), "rules6": ("ip6tables-nft-save",)}


def save(firewall, forms, directory):
    name = firewall.__name__.lower()
    firewall.lab = Lab()
    try:
        firewall.lab.enable_ipv6()
        firewall.lab.router.run("nft", "flush", "ruleset")
        firewall.begin()
        for form in forms:
            with open(os.path.join(directory, f"{name}.{form}"), "w", encoding="utf-8") as file:
                file.write(firewall.lab.router.run(*COMMANDS[form]).stdout)
    except (AssertionError, OSError, unittest.SkipTest) as error:
        print(f"{name}: {error}", file=sys.stderr)
    finally:
        firewall.lab.close()


def main():
    directory = sys.argv[1]
    os.makedirs(directory, exist_ok=True)
    for old in os.listdir(directory):
        os.remove(os.path.join(directory, old))
    for firewall, forms in ((Firewalld, ("nft",)), (Ufw, ("rules", "rules6")), (Shorewall, ("rules",))):
        save(firewall, forms, directory)


if __name__ == "__main__":
    main()
