#!/usr/bin/python3
"""Registrations with the answers of real registrars, and the hosts that they let in (C8)."""

from labtest import MEDIA_SERVER, PHONE1, PROVIDER, ROUTER_WAN, STRANGER, LabTest, main, sip
from netns import promised, wait_for


class Registrations(LabTest):
    def bindings(self):
        return {b["aor"]: b for b in self.lab.ctl("bindings")}

    def reached(self, phone, registrar, contact):
        """A request of the registrar to the public contact arrives at the phone."""
        target = sip.uri_of(contact)
        registrar.request("OPTIONS", registrar.dialog(phone.user, sip.host_port(target), target))
        phone.reply(phone.hear("OPTIONS"), 200)
        registrar.hear(200)

    def not_reached(self, phone, stranger, contact):
        target = sip.uri_of(contact)
        stranger.request("OPTIONS", stranger.dialog(phone.user, sip.host_port(target), target))
        phone.udp.hears_nothing()

    def test_life_of_a_registration(self):
        """C8 X3, CHECKLIST 18: 423, 401, a shortened 200, another device's Contact beside it, and the end by `*`."""
        phone, registrar = self.phone(), self.peer()
        dialog = phone.dialog(phone.user, (PROVIDER, 5060))
        phone.request("REGISTER", dialog, more=[("Expires", "60")])
        registrar.reply(registrar.hear("REGISTER"), 423, more=[("Min-Expires", "300")])
        phone.hear(423)
        phone.request("REGISTER", dialog, more=[("Expires", "3600")])
        registrar.reply(registrar.hear("REGISTER"), 401, more=[
            ("WWW-Authenticate", 'Digest realm="r", nonce="n", algorithm=MD5')])
        challenge = phone.hear(401).get("WWW-Authenticate")
        self.assertEqual(self.lab.ctl("bindings"), [])
        credentials = phone.digest(challenge, "REGISTER", dialog.target, "secret")
        phone.request("REGISTER", dialog, more=[("Authorization", credentials), ("Expires", "3600")])
        request = registrar.hear("REGISTER")
        self.assertEqual(request.get("Authorization"), credentials)
        public = request.get("Contact")
        elsewhere = "<sip:phone1@198.51.100.77:5060>;expires=1200"
        registrar.reply(request, 200, more=[("Contact", f"{elsewhere}, {public};expires=120"), ("Expires", "3600")])
        answer = phone.hear(200)
        self.assertEqual(answer.get("Contact"), f"{elsewhere}, {phone.contact};expires=120")
        binding, = self.lab.ctl("bindings")
        # The lifetime that the registrar granted, plus the grace period for a refresh.
        self.assertTrue(120 < binding["expires_s"] <= 152, binding)
        self.assertEqual(binding["inside"], f"{PHONE1}:5060")
        self.reached(phone, registrar, public)
        self.not_reached(phone, self.peer(STRANGER), public)
        kept, phone.contact = phone.contact, "*"
        phone.request("REGISTER", dialog, more=[("Expires", "0")])
        phone.contact = kept
        last = registrar.hear("REGISTER")
        self.assertEqual(last.get("Contact"), "*")
        registrar.reply(last, 200)
        phone.hear(200)
        promised(lambda: not self.lab.ctl("bindings"), 1, "the binding to end")

    def test_refreshed_with_another_contact(self):
        """C8, CHECKLIST 18: a phone that registers again from another port is reached there; the old binding expires on
        its own."""
        first, registrar = self.phone(), self.peer()
        dialog = first.dialog(first.user, (PROVIDER, 5060))
        first.request("REGISTER", dialog, more=[("Expires", "600")])
        request = registrar.hear("REGISTER")
        old = request.get("Contact")
        registrar.reply(request, 200, more=[("Contact", f"{old};expires=600")])
        first.hear(200)
        second = self.phone(1, port=5070)
        second.user = first.user
        second.contact = f"<sip:{first.user}@{PHONE1}:5070>"
        dialog.hop = (PROVIDER, 5060)
        second.request("REGISTER", dialog, more=[("Expires", "600")])
        request = registrar.hear("REGISTER")
        new = request.get("Contact")
        self.assertNotEqual(old, new)
        registrar.reply(request, 200, more=[("Contact", f"{new};expires=600")])
        second.hear(200)
        self.reached(second, registrar, new)
        granted = {b["inside"]: b["expires_s"] for b in self.lab.ctl("bindings")}
        self.assertEqual(set(granted), {f"{PHONE1}:5060", f"{PHONE1}:5070"})
        self.assertLessEqual(granted[f"{PHONE1}:5060"], granted[f"{PHONE1}:5070"])

    def test_two_phones_under_one_name(self):
        """C8, CHECKLIST 18: two phones register one AOR; each is reached at its own public endpoint."""
        registrar = self.peer()
        publics = []
        phones = [self.phone(1), self.phone(2)]
        for phone in phones:
            phone.user = "family"
            phone.contact = f"<sip:family@{phone.address}:5060>"
            dialog = phone.dialog("family", (PROVIDER, 5060))
            phone.request("REGISTER", dialog, more=[("Expires", "600")])
            request = registrar.hear("REGISTER")
            publics.append(request.get("Contact"))
            registrar.reply(request, 200, more=[("Contact", ", ".join(f"{p};expires=600" for p in publics))])
            phone.hear(200)
        self.assertNotEqual(publics[0], publics[1])
        for phone, public in zip(phones, publics):
            self.reached(phone, registrar, public)

    def test_outbound_proxy(self):
        """C8, CHECKLIST 18: the proxy that the phone sends to is not the registrar: it may send in, with the first Service-Route
        and the nearest Path; the registrar itself, which the messages only name, may not."""
        phone, proxy = self.phone(), self.peer(MEDIA_SERVER)
        registrar, edge = self.peer(PROVIDER), self.peer(STRANGER)
        dialog = phone.dialog(phone.user, (MEDIA_SERVER, 5060), target=f"sip:{PROVIDER}")
        phone.request("REGISTER", dialog, more=[("Expires", "600")])
        request = proxy.hear("REGISTER")
        self.assertEqual(request.uri, f"sip:{PROVIDER}")
        public = request.get("Contact")
        granted = [("Contact", f"{public};expires=600")]
        proxy.reply(request, 200, more=granted)
        phone.hear(200)
        self.reached(phone, proxy, public)
        self.not_reached(phone, registrar, public)
        self.not_reached(phone, edge, public)
        phone.request("REGISTER", dialog, more=[("Expires", "600")])
        request = proxy.hear("REGISTER")
        proxy.reply(request, 200, more=[*granted, ("Path", f"<sip:{MEDIA_SERVER};lr>"),
                                        ("Service-Route", f"<sip:{STRANGER};lr>")])
        phone.hear(200)
        self.reached(phone, proxy, public)
        self.reached(phone, edge, public)
        self.not_reached(phone, registrar, public)

    def test_several_names_on_one_phone(self):
        """C8, CHECKLIST 18: two AORs of one phone: when one ends, the phone is still reached for the other, which
        expires on its own."""
        phone, registrar = self.phone(), self.peer()
        publics, dialogs = {}, {}
        for user, expires in (("work", "1"), ("home", "600")):
            phone.user, phone.contact = user, f"<sip:{user}@{PHONE1}:5060>"
            dialogs[user] = phone.dialog(user, (PROVIDER, 5060))
            phone.request("REGISTER", dialogs[user], more=[("Expires", expires)])
            request = registrar.hear("REGISTER")
            publics[user] = request.get("Contact")
            registrar.reply(request, 200, more=[("Contact", f"{publics[user]};expires={expires}")])
            phone.hear(200)
        self.assertEqual({aor.split(":")[1].split("@")[0] for aor in self.bindings()}, {"work", "home"})
        phone.request("REGISTER", dialogs["home"], more=[("Expires", "0")])
        request = registrar.hear("REGISTER")
        registrar.reply(request, 200)
        phone.hear(200)
        promised(lambda: len(self.bindings()) == 1, 1, "the one that was unregistered to end")
        self.reached(phone, registrar, publics["work"])
        # The granted lifetime, plus the grace period for a refresh.
        wait_for(lambda: not self.bindings(), 40, "the one that nobody refreshes to end")
        self.lab.forget_flows()
        self.not_reached(phone, registrar, publics["work"])

    def test_strangers_answer(self):
        """X3: a 200 from another host, or with another tag, makes no binding."""
        phone, registrar, stranger = self.phone(), self.peer(), self.peer(STRANGER)
        dialog = phone.dialog(phone.user, (PROVIDER, 5060))
        phone.request("REGISTER", dialog, more=[("Expires", "600")])
        request = registrar.hear("REGISTER")
        granted = [("Contact", f"{request.get('Contact')};expires=600")]
        stranger.reply(request, 200, more=granted)
        phone.udp.hears_nothing()
        request.headers = [(n, "<sip:x@y>;tag=other" if n == "from" else v) for n, v in request.headers]
        registrar.reply(request, 200, more=granted)
        phone.hear(200)
        self.assertEqual(self.lab.ctl("bindings"), [])

    def test_two_hops(self):
        """C4, CHECKLIST 4: two proxies stay in the path (Record-Route); requests of both sides are routed, BYE
        included."""
        phone, peer = self.phone(), self.peer()
        registration, _ = self.register(phone, peer)
        routes = [("Record-Route", f"<sip:{PROVIDER};lr>"), ("Record-Route", f"<sip:{MEDIA_SERVER};lr>")]
        target = sip.uri_of(registration.get("Contact"))
        for hanging_up in ("phone", "peer"):
            dialog = peer.invite(phone.user, sip.sdp(PROVIDER, 30000), hop=sip.host_port(target), target=target,
                                 more=routes)
            request = phone.hear("INVITE")
            self.assertEqual(request.all("Record-Route"), [value for _, value in routes])
            back = phone.accept(request)
            phone.reply(request, 200, sip.sdp(PHONE1, 40000))
            final = peer.hear(200)
            self.assertEqual(final.all("Record-Route"), [value for _, value in routes])
            # The caller's own view: here it is also the first proxy, and sends to the phone directly.
            dialog.remote, dialog.target, dialog.hop = final.get("To"), sip.uri_of(final.get("Contact")), sip.host_port(target)
            peer.ack(dialog, final)
            phone.hear("ACK")
            phone.request("UPDATE", back, sip.sdp(PHONE1, 40000))
            update = peer.hear("UPDATE")
            self.assertEqual(update.all("Route"), [value for _, value in routes])
            self.assertEqual(sip.host_port(sip.uri_of(update.get("Contact")))[0], ROUTER_WAN)
            peer.reply(update, 200, sip.sdp(PROVIDER, 30000))
            phone.hear(200)
            first, second, own = (phone, peer, back) if hanging_up == "phone" else (peer, phone, dialog)
            first.request("BYE", own)
            second.reply(second.hear("BYE"), 200)
            first.hear(200)
            self.assert_no_pinholes(back.call_id)


if __name__ == "__main__":
    main()
