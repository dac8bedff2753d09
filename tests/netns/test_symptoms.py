#!/usr/bin/python3
"""README's troubleshooting, tried: a set-up that is broken, the symptom, the one command of its row, and the command that the
output names, which mends it (O3)."""
import os
import re
import sys
import time

from lab import ADMIN_RULESET, ROOT, program
from labtest import MEDIA_SERVER, PROVIDER, ROUTER_WAN, LabTest, main, rtp, sip, wait_for
from netns import cable

OWNERS_FILE = "# the owner's file\n"


def command_for(symptom):
    """The second column of the row of README's table, without sudo."""
    with open(os.path.join(ROOT, "README.md")) as readme:
        rows = [line.split(" | ") for line in readme if line.startswith(f"| {symptom} |")]
    assert len(rows) == 1, f"README has {len(rows)} rows for the symptom '{symptom}'"
    return re.fullmatch(r"`(?:sudo )?(sipalgctl .*)`", rows[0][1])[1]


class Symptoms(LabTest):
    @classmethod
    def prepare(cls):
        cls.lab.router.set("net/netfilter/nf_conntrack_acct", 1)
        cls.lab.accept_in = None

    def tearDown(self):
        if self.lab.daemon:
            self.lab.stop_daemon()
        self.lab._daemon_options = None  # each test starts its own
        super().tearDown()

    def in_lab(self, command):
        """A command of the manual, for the daemon of the lab."""
        return command.replace("/etc/sipalg/sipalgd.conf", os.path.join(self.lab.directory, "sipalgd.conf")).replace(
            "sipalgctl", f"{program('sipalgctl')} --control {self.lab.control}")

    def follow(self, symptom, finding):
        """The owner looks up the symptom, runs its command, and enters the command below the finding."""
        began = time.monotonic()
        command = command_for(symptom)
        said = self.lab.router.run("sh", "-c", self.in_lab(command), check=False, timeout=120).stdout
        lines = said.splitlines()
        at = [i for i, line in enumerate(lines) if finding in line]
        self.assertEqual(len(at), 1, said)
        mends = lines[at[0] + 1].strip()
        took = time.monotonic() - began
        self.lab.router.run("sh", "-c", self.in_lab(mends))
        print(f"{symptom}: {command}: after {took:.1f} s: {mends}", file=sys.stderr)

    def call(self, media_address=None, sends_from=None):
        """A call of the phone. True: the provider's media reach the phone, and the phone's the provider. The provider sends
        first, from `sends_from` in place of the announced address."""
        phone, peer = self.phone(), self.peer()
        media_address = media_address or PROVIDER
        phone_rtp, peer_rtp = self.media(phone.address, 40000), self.media(media_address, 30000)
        source = self.media(sends_from, 30000) if sends_from else peer_rtp
        dialog = phone.invite("peer", sip.sdp(phone.address, 40000))
        invite = peer.hear("INVITE")
        told = invite.media[0]
        peer.reply(invite, 200, sip.sdp(media_address, 30000))
        final = phone.confirm(dialog)
        peer.hear("ACK")
        works = True
        for sender, receiver, to in ((source, phone_rtp, told), (phone_rtp, peer_rtp, final.media[0])):
            try:
                sender.send((to.address, to.port), 5)
                rtp.expect(receiver, sender, 5, None)
            except (AssertionError, OSError):  # OSError: the provider has no route to the address that it was told
                works = False
        if sends_from and not works:
            self.wait_until_silent(phone_rtp, final.media[0])
        phone.request("BYE", dialog)
        peer.reply(peer.hear("BYE"), 200)
        phone.hear(200)
        self.lab.close_sockets()
        wait_for(lambda: not self.lab.ctl("calls"), 5, "the call to end")
        return works

    def wait_until_silent(self, phone_rtp, to):
        """The phone talks until sipalgd has seen that the peer does not."""
        def silent():
            phone_rtp.send((to.address, to.port))
            return any(stream["silent"] == "peer" for call in self.lab.ctl("calls") for stream in call["media"])
        wait_for(silent, 40, "the silence of the peer to be seen")

    def assert_mended(self, symptom, finding, **how):
        self.assertFalse(self.call(**how), "the set-up is not broken")
        self.follow(symptom, finding)
        self.assertTrue(self.call(**how), "the command has not mended it")

    def test_closed_chain(self):
        """O3 A4: a forward chain that drops, without consent."""
        self.lab.start_daemon(config=OWNERS_FILE + "accept-in = none\n")
        self.assert_mended("no audio, or only in one direction", "drops packets that come in through pinholes")
        self.lab.router.run("nft", "-f", "-", text_in=f"delete table inet admin\n{ADMIN_RULESET}")

    def test_unannounced_media(self):
        """O3 C5: media of the provider come from an address that its answer does not name."""
        self.lab.start_daemon(config=OWNERS_FILE)
        self.assert_mended("no audio, or only in one direction", f"no media came from {PROVIDER}", sends_from=MEDIA_SERVER)

    def test_kernel_helper(self):
        """O3 X10: the kernel's own SIP helper; sipalgd refuses to start."""
        added = self.lab.router.run("iptables-nft", "-t", "raw", "-A", "PREROUTING", "-p", "udp", "--dport", "5060", "-j", "CT",
                                    "--helper", "sip", check=False)
        self.addCleanup(self.remove_raw)
        if added.returncode != 0:
            self.skipTest("this kernel has no SIP helper")
        refused = self.lab.start(self.lab.router, *self.lab.daemon_argv(config=OWNERS_FILE))
        self.assertNotEqual(refused.wait(), 0)
        self.follow("sipalgd does not start", "the kernel's own SIP helper")
        self.lab.empty_ruleset = self.lab.ruleset()
        self.lab.start_daemon(config=OWNERS_FILE)
        self.assertTrue(self.call())

    def remove_raw(self):
        self.lab.router.run("nft", "delete", "table", "ip", "raw", check=False)
        self.lab.empty_ruleset = self.lab.ruleset()

    def test_upstream_nat(self):
        """O3 N1: another router in front of this one translates, and forwards everything to it."""
        modem = self.lab.new_namespace("modem")
        self.lab.isp.run("ip", "link", "set", "customer", "netns", modem.name)
        modem.run("ip", "link", "set", "customer", "name", "inside")
        modem.address("10.0.0.1/24", "inside")
        cable(modem, "outside", self.lab.isp, "customer")
        self.lab.isp.run("ip", "link", "set", "customer", "master", "switch", "up")
        modem.address(f"{ROUTER_WAN}/24", "outside")
        modem.set("net/ipv4/ip_forward", 1)
        modem.run("nft", "-f", "-", text_in="""table ip modem {
            chain in { type nat hook prerouting priority dstnat; iifname "outside" dnat to 10.0.0.2; }
            chain out { type nat hook postrouting priority srcnat; oifname "outside" masquerade; }\n}""")
        self.lab.router.run("ip", "address", "flush", "dev", "wan")
        self.lab.router.address("10.0.0.2/24", "wan")
        self.lab.router.run("ip", "route", "replace", "default", "via", "10.0.0.1")
        self.lab.start_daemon(config=OWNERS_FILE)
        self.assert_mended("no audio, or only in one direction", f"sees {ROUTER_WAN}:5060 in place of 10.0.0.2:5060")


if __name__ == "__main__":
    main()
