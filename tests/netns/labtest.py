"""The common part of the network tests: a lab and a daemon for each test class, calls in one statement, evidence on
failure."""

import functools
import os
import re
import signal
import sys
import unittest

import rtp
import sip
from lab import (MEDIA_SERVER, MEDIA_SERVER_6, PHONE1, PHONE1_6, PHONE2, PHONE3, PROVIDER, PROVIDER_6, ROUTER_WAN, STRANGER,
                 Lab)
from netns import promised, wait_for

__all__ = ["MEDIA_SERVER", "PHONE1", "PHONE2", "PHONE3", "PROVIDER", "ROUTER_WAN", "STRANGER", "Call", "Lab",
           "LabTest", "main", "promised", "rtp", "sip", "wait_for"]


def _with_evidence(method):
    @functools.wraps(method)
    def run(self):
        try:
            method(self)
        except unittest.SkipTest:
            raise
        except Exception:
            print(f"\n===== evidence for {self.id()}\n{self.lab.evidence()}\n=====", file=sys.stderr, flush=True)
            raise
    return run


class Call:
    """Both ends of a call, with the media that each has learned of the other."""

    def __init__(self, test, phone, peer, phone_rtp, peer_rtp):
        self.test, self.phone, self.peer = test, phone, peer
        self.phone_rtp, self.peer_rtp = phone_rtp, peer_rtp
        self.phone_dialog = self.peer_dialog = None
        self.phone_told = self.peer_told = None  # sip.Media

    @property
    def id(self):
        return self.phone_dialog.call_id

    def exchange(self, **how):
        """RTP and RTCP both ways, counted at both ends."""
        rtp.exchange(self.phone_rtp, self.phone_told, self.peer_rtp, self.peer_told, **how)

    def negotiate(self, offerer, offer, answer):
        """A re-INVITE by "phone" or "peer" with its SDP, answered 200 with the other's; both learn the result."""
        agents = {"phone": (self.phone, self.phone_dialog), "peer": (self.peer, self.peer_dialog)}
        caller, caller_dialog = agents[offerer]
        callee = agents["peer" if offerer == "phone" else "phone"][0]
        caller.request("INVITE", caller_dialog, offer)
        request = callee.hear("INVITE")
        callee.reply(request, 200, answer)
        final = caller.hear(200)
        caller.ack(caller_dialog, final)
        callee.hear("ACK")
        heard = {"phone": final if offerer == "phone" else request, "peer": request if offerer == "phone" else final}
        self.phone_told, self.peer_told = heard["phone"].media[0], heard["peer"].media[0]
        return heard

    def answer(self, request, description, by="peer", more=()):
        """The callee answers with this SDP and receives the ACK; each end then knows the other's media address.

        Returns the 200 as the caller received it.
        """
        callee, caller = (self.peer, self.phone) if by == "peer" else (self.phone, self.peer)
        dialog = callee.accept(request)
        callee.reply(request, 200, description, more)
        final = caller.confirm(self.phone_dialog if by == "peer" else self.peer_dialog)
        callee.hear("ACK")
        if by == "peer":
            self.peer_dialog, self.peer_told, self.phone_told = dialog, request.media[0], final.media[0]
        else:
            self.phone_dialog, self.phone_told, self.peer_told = dialog, request.media[0], final.media[0]
        return final

    def hang_up(self, by="phone"):
        first, second, dialog = ((self.phone, self.peer, self.phone_dialog) if by == "phone"
                                 else (self.peer, self.phone, self.peer_dialog))
        self.test.bye(first, dialog, second)


class LabTest(unittest.TestCase):
    """One lab for all tests of the class; each test begins without calls and flows."""

    lab = None
    daemon_options = ()
    longMessage = True

    def __init_subclass__(cls):
        super().__init_subclass__()
        for name, method in list(vars(cls).items()):
            if name.startswith("test") and callable(method):
                setattr(cls, name, _with_evidence(method))

    @classmethod
    def setUpClass(cls):
        if os.geteuid() != 0:
            raise unittest.SkipTest("needs root to make network namespaces")
        cls.lab = Lab()
        try:
            cls.prepare()
        except BaseException:
            cls.lab.close()
            raise

    @classmethod
    def prepare(cls):
        """Starts what the tests of this class need."""
        cls.lab.start_daemon(*cls.daemon_options)

    @classmethod
    def tearDownClass(cls):
        try:
            if cls.lab.daemon:
                cls.lab.stop_daemon()
        finally:
            cls.lab.close()
        assert not cls.lab.leftovers(), cls.lab.leftovers()

    def setUp(self):
        self.lab.fresh()

    # Elements -----------------------------------------------------------------------------------------------

    def namespace(self, address):
        return {PHONE1: self.lab.phone1, PHONE2: self.lab.phone2, PHONE3: self.lab.phone3, PROVIDER: self.lab.provider,
                MEDIA_SERVER: self.lab.provider, STRANGER: self.lab.stranger, PHONE1_6: self.lab.phone1,
                PROVIDER_6: self.lab.provider, MEDIA_SERVER_6: self.lab.provider}[address]

    def phone(self, number=1, port=5060, hop=(PROVIDER, 5060)):
        address = {1: PHONE1, 2: PHONE2, 3: PHONE3}[number]
        return sip.Agent(self.lab, self.namespace(address), address, port, f"phone{number}", hop)

    def peer(self, address=PROVIDER, port=5060, user="peer"):
        return sip.Agent(self.lab, self.namespace(address), address, port, user)

    def udp(self, address, port=0):
        return self.lab.udp(self.namespace(address), address, port)

    def media(self, address, port, rtcp_port=None):
        return rtp.RtpPort(self.lab, self.namespace(address), address, port, rtcp_port)

    # Calls --------------------------------------------------------------------------------------------------

    def register(self, phone, registrar, granted=600):
        """The phone's REGISTER, granted by `registrar`; returns the messages that both received: (request,
        response)."""
        dialog = phone.dialog(phone.user, (registrar.address, registrar.port))
        phone.request("REGISTER", dialog, more=[("Expires", "600")])
        request = registrar.hear("REGISTER")
        registrar.reply(request, 200, more=[("Contact", f"{request.get('Contact')};expires={granted}")])
        return request, phone.hear(200)

    def call_out(self, phone=None, peer=None, phone_port=40000, peer_port=30000, media_address=None):
        """A confirmed call from the phone to the peer."""
        phone = phone or self.phone()
        peer = peer or self.peer()
        call = Call(self, phone, peer, self.media(phone.address, phone_port),
                    self.media(media_address or peer.address, peer_port))
        call.phone_dialog = phone.invite(peer.user, sip.sdp(phone.address, phone_port),
                                         hop=(peer.address, peer.port))
        request = peer.hear("INVITE")
        peer.reply(request, 180)
        phone.hear(180)
        call.answer(request, sip.sdp(media_address or peer.address, peer_port))
        return call

    def trying(self, phone, peer, request):
        """100 Trying, the first answer: pinholes of the call open with it (X11)."""
        peer.reply(request, 100)
        phone.hear(100)

    def call_in(self, phone=None, peer=None, phone_port=40000, peer_port=30000, media_address=None, registration=None):
        """A confirmed call from the peer, which is also the registrar, to the phone. `registration`: the REGISTER as the
        peer received it, if the phone need not register first."""
        phone = phone or self.phone()
        peer = peer or self.peer()
        registration = registration or self.register(phone, peer)[0]
        call = Call(self, phone, peer, self.media(phone.address, phone_port),
                    self.media(media_address or peer.address, peer_port))
        call.peer_dialog = peer.invite(phone.user, sip.sdp(media_address or peer.address, peer_port),
                                       contact=registration.get("Contact"))
        request = phone.hear("INVITE")
        phone.reply(request, 180)
        peer.hear(180)
        call.answer(request, sip.sdp(phone.address, phone_port), by="phone")
        return call

    def assign_kernel_helper(self):
        """A rule that assigns the kernel's own SIP helper, until the test ends (X10)."""
        added = self.lab.router.run("iptables-nft", "-t", "raw", "-A", "PREROUTING", "-p", "udp", "--dport", "5060", "-j", "CT",
                                    "--helper", "sip", check=False)
        self.addCleanup(self.lab.router.run, "nft", "delete", "table", "ip", "raw", check=False)
        if added.returncode != 0:
            self.skipTest("this kernel has no SIP helper")

    def bye(self, one, dialog, other):
        """`one` ends the call, and `other` agrees."""
        one.request("BYE", dialog)
        other.reply(other.hear("BYE"), 200)
        one.hear(200)

    # Asserts ------------------------------------------------------------------------------------------------

    def assert_no_inside_address_outside(self):
        """Nothing that left through the WAN as SIP or SDP names an inside address."""
        sent = [d for d in self.lab.captures["wan"].messages() if d.outgoing]
        self.assertTrue(sent, "no SIP went out")
        for datagram in sent:
            self.assertNotRegex(datagram.payload.decode(errors="replace"), r"192\.168\.")

    def configure(self, config):
        """Restarts the daemon with this file."""
        self.lab.stop_daemon()
        self.lab.start_daemon(config=config)

    def reconfigure(self, config):
        """Reloads the daemon with this file."""
        said = self.lab.daemon.output().count("configuration reloaded")
        self.lab.file("sipalgd.conf", config)
        self.lab.daemon.send(signal.SIGHUP)
        wait_for(lambda: self.lab.daemon.output().count("configuration reloaded") > said, 3, "the new configuration")

    def most_while_running(self, client, rows):
        """Waits for the client to succeed; returns the highest number of rows in the meantime."""
        most = 0

        def ended():
            nonlocal most
            most = max(most, len(rows()))
            return not client.running
        wait_for(ended, 40, "sipp to end")
        self.assertEqual(client.wait(), 0, client.output()[-3000:])
        return most

    def pinholes(self, call_id=None):
        """Those for media, of this call or of all calls."""
        return [p for p in self.lab.ctl("pinholes") if p["serves"] == "media" and call_id in (None, p["call_id"])]

    def calls(self):
        return {c["call_id"]: c for c in self.lab.ctl("calls")}

    def assert_no_pinholes(self, call_id=None, within=1):
        """Of this call, or of all calls."""
        promised(lambda: not self.pinholes(call_id), within, "the pinholes to go")

    def assert_closed(self, call):
        """C7: within 1 s neither a fresh nor the established flow gets media to the phone."""
        self.assert_no_pinholes(call.id)
        public = (call.peer_told.address, call.peer_told.port)
        inside = re.escape(f"{call.phone_rtp.address}")
        family = "ipv6" if ":" in call.phone_rtp.address else "ipv4"
        promised(lambda: not [f for f in self.lab.flows(f"sport={call.phone_rtp.port}", family=family)
                              if re.search(inside, f)], 1, "the media flows to leave conntrack")
        call.phone_rtp.forget()
        call.peer_rtp.send(public, 3)
        call.peer_rtp.send_rtcp(call.peer_told.rtcp)
        call.phone_rtp.hears_nothing()


def main():
    unittest.main(verbosity=2)
