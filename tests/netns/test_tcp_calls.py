#!/usr/bin/python3
"""Registrations and calls over TCP: the direction of connections, the addresses in messages, and media."""

import re

import peers
import test_baresip
import test_provider_calls
from labtest import MEDIA_SERVER, PHONE1, PHONE2, PHONE3, PROVIDER, ROUTER_WAN, STRANGER, Call, LabTest, main, sip
from netns import Timeout, promised
from sip_tcp import TcpAgent

SANITIZED = True  # in every run of tests/run also with sanitizers

PUBLIC, INSIDE = f"{ROUTER_WAN}:5060", f"{PHONE1}:5060"


class TcpElements(LabTest):
    """Phones and peers that speak TCP."""

    def phone(self, number=1, port=5060, hop=(PROVIDER, 5060), **more):
        address = {1: PHONE1, 2: PHONE2, 3: PHONE3}[number]
        return TcpAgent(self.lab, self.namespace(address), address, port, f"phone{number}", hop, **more)

    def peer(self, address=PROVIDER, port=5060, user="peer", **more):
        return TcpAgent(self.lab, self.namespace(address), address, port, user, **more)


class TcpCalls(TcpElements):
    def peer_calls(self, phone, peer, target, phone_port=40000, peer_port=30000):
        """A confirmed call from the peer to a registered phone, on the connection that the peer chooses."""
        call = Call(self, phone, peer, self.media(phone.address, phone_port), self.media(peer.address, peer_port))
        call.peer_dialog = peer.invite(phone.user, sip.sdp(peer.address, peer_port), hop=sip.host_port(target),
                                       target=target)
        request = phone.hear("INVITE")
        self.assertEqual(request.uri, f"sip:{phone.user}@{phone.address}:{phone.port};transport=tcp")
        phone.reply(request, 180)
        peer.hear(180)
        call.answer(request, sip.sdp(phone.address, phone_port), by="phone")
        return call

    def test_register(self):
        """S3 S4 C8: the registrar receives a public Contact, the phone its own Via and Contact; the binding has the
        transport TCP."""
        phone, registrar = self.phone(), self.peer()
        request, answer = self.register(phone, registrar, 300)
        self.assertEqual(request.source[0], ROUTER_WAN)
        self.assertEqual(request.get("Contact"), f"<sip:phone1@{PUBLIC};transport=tcp>")
        self.assertRegex(request.get("Via"), rf"^SIP/2.0/TCP {re.escape(PUBLIC)};branch=[^;]+;rport$")
        self.assertEqual(answer.get("Contact"), f"<sip:phone1@{INSIDE};transport=tcp>;expires=300")
        branch = re.search(r"branch=[^;]+", request.get("Via")).group()
        port = phone.connections[0].local[1]
        self.assertEqual(answer.get("Via"), f"SIP/2.0/TCP {INSIDE};{branch};received={PHONE1};rport={port}")
        binding, = self.lab.ctl("bindings")
        self.assertEqual((binding["proto"], binding["public"], binding["inside"]), ("tcp", PUBLIC, INSIDE))
        self.assertLessEqual(binding["expires_s"], 340)
        self.assert_no_inside_address_outside()

    def test_outgoing(self):
        """C2 C6 C7: a call out has RTP and RTCP both ways, and its BYE closes everything."""
        call = self.call_out()
        call.exchange()
        call.exchange(first="right")
        self.assertEqual({p["remote"] for p in self.pinholes(call.id)}, {PROVIDER})
        call.hang_up()
        self.assert_closed(call)
        self.assert_no_inside_address_outside()

    def test_outgoing_to_media_server(self):
        """C2, CHECKLIST 2: the media come from another address than the signalling, before the phone has sent any."""
        call = self.call_out(media_address=MEDIA_SERVER)
        call.exchange(first="right")
        call.hang_up()
        self.assert_closed(call)

    def test_peer_hangs_up_on_the_same_connection(self):
        """C6: the peer's BYE comes back on the connection that the phone has made."""
        call = self.call_out()
        call.exchange()
        call.peer.aliases[sip.host_port(call.peer_dialog.target)] = call.peer.connections[0]
        call.hang_up(by="peer")
        self.assertEqual((len(call.phone.connections), len(call.peer.connections)), (1, 1))
        self.assert_closed(call)

    def test_incoming_on_registered_connection(self):
        """C8: the registrar calls on the connection on which the phone has registered; BYE either way."""
        for by in ("phone", "peer"):
            with self.subTest(by=by):
                self.lab.fresh()
                phone, peer = self.phone(), self.peer()
                request, _ = self.register(phone, peer)
                target = sip.uri_of(request.get("Contact"))
                peer.aliases[sip.host_port(target)] = peer.connections[0]
                call = self.peer_calls(phone, peer, target)
                self.assertEqual((len(phone.connections), len(peer.connections)), (1, 1), "a connection too many")
                call.exchange(first="right")
                call.hang_up(by)
                self.assert_closed(call)
                self.assert_no_inside_address_outside()

    def test_incoming_on_new_connection(self):
        """C8: the registrar connects to the Contact, for which a pinhole is open; the call, and BYE from either
        side."""
        for by in ("phone", "peer"):
            with self.subTest(by=by):
                self.lab.fresh()
                phone, peer = self.phone(), self.peer()
                request, _ = self.register(phone, peer)
                call = self.peer_calls(phone, peer, sip.uri_of(request.get("Contact")))
                self.assertEqual((len(phone.connections), len(peer.connections)), (2, 2))
                self.assertEqual(phone.connections[0].remote, peer.connections[0].local)
                call.exchange(first="right")
                call.hang_up(by)
                self.assert_closed(call)
                self.assert_no_inside_address_outside()

    def test_incoming_after_the_connection_ended(self):
        """C8, CHECKLIST 3: a call comes in although the connection of the registration was closed and removed."""
        phone, peer = self.phone(), self.peer()
        request, _ = self.register(phone, peer)
        phone.drop(phone.connections[0])
        peer.drop(peer.connections[0])
        self.lab.forget_flows()
        call = self.peer_calls(phone, peer, sip.uri_of(request.get("Contact")))
        call.exchange(first="right")
        call.hang_up("peer")
        self.assert_closed(call)

    def test_only_the_registrar_gets_in(self):
        """C8 X3: no other host can connect to the Contact, and none at all once the registration has ended."""
        phone, registrar = self.phone(), self.peer()
        request, _ = self.register(phone, registrar)
        contact = sip.host_port(sip.uri_of(request.get("Contact")))
        with self.assertRaises((Timeout, ConnectionError)):
            self.lab.tcp(self.lab.stranger, STRANGER, contact, timeout=0.4)
        near = self.lab.tcp(self.lab.provider, PROVIDER, contact, timeout=1)
        phone.listener.accept().close()
        near.close()
        phone.request("REGISTER", phone.dialog("phone1"), more=[("Expires", "0")])
        registrar.reply(registrar.hear("REGISTER"), 200)
        phone.hear(200)
        promised(lambda: not self.lab.ctl("bindings"), 1, "the binding to end")
        with self.assertRaises((Timeout, ConnectionError)):
            self.lab.tcp(self.lab.provider, PROVIDER, contact, timeout=0.4)
        phone.listener.hears_nothing(0.01)

    def test_high_source_port(self):
        """S1, CHECKLIST 24: the phone connects from any port, its Via and Contact name 5060, and so do those that
        arrive."""
        phone, peer = self.phone(), self.peer()
        request, _ = self.register(phone, peer)
        self.assertNotEqual(phone.connections[0].local[1], 5060)
        self.assertNotEqual(request.source[1], 5060)
        self.assertEqual(sip.host_port(sip.uri_of(request.get("Contact"))), (ROUTER_WAN, 5060))
        phone.drop(phone.connections[0])
        phone.connect((PROVIDER, 5060))
        phone.request("OPTIONS", phone.dialog("peer"))
        again = peer.hear("OPTIONS")
        self.assertNotEqual(again.source, request.source)
        self.assertIn(f"{PUBLIC};", again.get("Via"))
        peer.reply(again, 200)
        self.assertIn(f"{INSIDE};", phone.hear(200).get("Via"))

    def test_source_port_5060(self):
        """A3 C8: a phone that connects from the port of its Contact: one address for both, and calls come in on its
        connection."""
        phone, peer = self.phone(source_port=5060), self.peer()
        request, answer = self.register(phone, peer)
        self.assertEqual(request.source, sip.host_port(sip.uri_of(request.get("Contact"))))
        self.assertIn(f";received={PHONE1};rport=5060", answer.get("Via"))
        call = self.peer_calls(phone, peer, sip.uri_of(request.get("Contact")))
        self.assertEqual((len(phone.connections), len(peer.connections)), (1, 1), "a connection too many")
        call.exchange(first="right")
        call.hang_up("peer")
        self.assert_closed(call)

    def test_registers_again_on_a_new_connection(self):
        """C8: the next REGISTER comes on another connection: the same public Contact, one binding, and calls still come in."""
        phone, peer = self.phone(), self.peer()
        first, _ = self.register(phone, peer)
        phone.drop(phone.connections[0])
        phone.connect((PROVIDER, 5060))
        second, _ = self.register(phone, peer)
        self.assertNotEqual(first.source, second.source)
        self.assertEqual(first.get("Contact"), second.get("Contact"))
        self.assertEqual(len(self.lab.ctl("bindings")), 1)
        peer.connections = [c for c in peer.connections if c.remote == second.source]
        call = self.peer_calls(phone, peer, sip.uri_of(second.get("Contact")))
        call.exchange(first="right")
        call.hang_up("peer")
        self.assert_closed(call)

    def test_two_phones_same_port(self):
        """A3: two phones on port 5060 have two public Contacts, and a call reaches each of them."""
        peer = self.peer()
        targets = {}
        for number in (1, 2):
            phone = self.phone(number)
            request, _ = self.register(phone, peer)
            targets[phone] = sip.uri_of(request.get("Contact"))
        self.assertEqual(len(set(targets.values())), 2)
        for number, (phone, target) in enumerate(targets.items()):
            call = self.peer_calls(phone, peer, target, peer_port=30000 + 10 * number)
            call.exchange()
            call.hang_up("peer")
            self.assert_closed(call)

    def test_calls_share_a_connection(self):
        """C1, CHECKLIST 7: six calls on one connection; the end of one does not affect the others."""
        phone, peer = self.phone(), self.peer()
        calls = [self.call_out(phone, peer, 40000 + 10 * n, 30000 + 10 * n) for n in range(6)]
        self.assertEqual((len(phone.connections), len(peer.connections)), (1, 1))
        calls[2].hang_up()
        self.assert_closed(calls[2])
        for call in calls[:2] + calls[3:]:
            call.exchange()
            call.hang_up()
            self.assert_closed(call)

    def test_hold_and_resume(self):
        """D3 C4, CHECKLIST 5: hold and resume in the dialog, by either side: the same public port, two-way audio after."""
        call = self.call_out()
        public = call.peer_told.port
        call.peer.aliases[sip.host_port(call.peer_dialog.target)] = call.peer.connections[0]
        for by in ("phone", "peer"):
            mine, theirs = sip.sdp(PHONE1, 40000), sip.sdp(PROVIDER, 30000)
            held = {"phone": sip.sdp(PHONE1, ("audio", 40000, "a=sendonly")),
                    "peer": sip.sdp(PROVIDER, ("audio", 30000, "a=sendonly"))}[by]
            call.negotiate(by, held, theirs if by == "phone" else mine)
            call.negotiate(by, mine if by == "phone" else theirs, theirs if by == "phone" else mine)
            self.assertEqual(call.peer_told.port, public)
            call.exchange()
        call.hang_up()
        self.assert_closed(call)

    def test_refused_and_cancelled(self):
        """C6: a refusal closes what the offer opened, and so does the end of a cancelled call."""
        phone, peer = self.phone(), self.peer()
        dialog = phone.invite("peer", sip.sdp(PHONE1, 40000))
        request = peer.hear("INVITE")
        self.assertTrue(self.pinholes(dialog.call_id))
        peer.reply(request, 486)
        phone.ack(dialog, phone.hear(486))
        peer.hear("ACK")
        self.assert_no_pinholes(dialog.call_id)
        dialog = phone.invite("peer", sip.sdp(PHONE1, 40000))
        request = peer.hear("INVITE")
        peer.reply(request, 180)
        phone.hear(180)
        phone.cancel(dialog)
        peer.reply(peer.hear("CANCEL"), 200)
        peer.reply(request, 487)
        phone.ack(dialog, phone.hear(487))
        peer.hear("ACK")
        self.assert_no_pinholes(dialog.call_id)


class ProviderCallsOverTcp(TcpElements, test_provider_calls.ProviderCalls):
    """sipp and kamailio, which open connections by their own rules; kamailio does not handle NAT."""

    transport = "tcp"
    calling_port = 5064  # not the port of the registration's connection, which its host still has in TIME_WAIT

    def element(self, namespace, address, port, user):
        return TcpAgent(self.lab, namespace, address, port, user, (PROVIDER, 5060))


class BaresipOverTcp(test_baresip.BaresipCalls):
    """baresip and kamailio."""

    transport = "tcp"


class ManyCalls(TcpElements):
    """sipp's own scenarios, many calls at once."""

    CALLS = 100

    def many(self, mode):
        server = peers.start_answering(self.lab, self.lab.provider, PROVIDER, "t1")
        client = self.lab.start(self.lab.phone1, "sipp", "-sn", "uac", "-t", mode, "-i", PHONE1, "-p", 5060, "-nostdin", "-cid_str", "%u-%p-test",
                                "-m", self.CALLS, "-l", 20, "-r", 100, "-d", 200, "-timeout", "30", "-timeout_error",
                                "-max_socket", 100, f"{PROVIDER}:5060")
        most = self.most_while_running(client, self.calls)
        server.kill()
        self.assertGreater(most, 5, "hardly a call at a time")
        self.assert_no_pinholes(within=2)
        self.assert_no_inside_address_outside()
        # sipp has counted the calls; under load the capture can lose a frame.
        self.assertGreaterEqual(len([d for d in self.lab.captures["wan"].messages()
                                     if d.outgoing and d.payload.startswith(b"BYE ")]), self.CALLS * 9 // 10)

    def test_one_connection(self):
        """T1 T2: sipp -t t1: a hundred calls, twenty at a time, on one connection."""
        self.many("t1")

    def test_a_connection_for_each(self):
        """T1 T2: sipp -t tn: a hundred calls, twenty at a time, each on its own connection."""
        self.many("tn")


if __name__ == "__main__":
    main()
