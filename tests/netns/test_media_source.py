#!/usr/bin/python3
"""C5: media from unannounced sources, with the policies of peers and phones."""

import signal

from labtest import MEDIA_SERVER, PROVIDER, ROUTER_WAN, STRANGER, LabTest, main, rtp
from netns import wait_for

PUBLIC = (ROUTER_WAN, 40000)


class MediaSource(LabTest):
    def remotes(self, call):
        return sorted({(p["remote"], p["component"], p["state"]) for p in self.pinholes(call.id)})

    def let_in(self, call, talker, count=1):
        """The phone receives `count` packets from `talker`."""
        call.phone_rtp.forget()
        talker.send(PUBLIC, count)
        rtp.expect(call.phone_rtp, talker, count, (talker.address, talker.port))

    def kept_out(self, call, talker):
        call.phone_rtp.forget()
        talker.send(PUBLIC)
        call.phone_rtp.hears_nothing()

    def test_latch(self):
        """C5 C7: the first packet of the first source arrives; that source may continue and use another port, others
        may not."""
        self.configure(f"[peer {PROVIDER}]\nmedia-source = latch\n")
        call = self.call_out(media_address=PROVIDER)
        first, second = self.media(MEDIA_SERVER, 31000), self.media(STRANGER, 32000)
        self.let_in(call, first)
        self.kept_out(call, second)
        wait_for(lambda: (MEDIA_SERVER, "rtp", "learned") in self.remotes(call), 3, "the learned source to be shown")
        self.assertIn((MEDIA_SERVER, "rtcp", "learned"), self.remotes(call))
        self.let_in(call, first, 5)
        self.let_in(call, self.media(MEDIA_SERVER, 31500))
        self.kept_out(call, second)
        first.send_rtcp((ROUTER_WAN, 40001))
        wait_for(lambda: call.phone_rtp.listen() or call.phone_rtp.heard_rtcp, 3, "RTCP from the learned source")
        self.assertIn("media latched", self.lab.daemon.output())
        call.exchange()
        call.hang_up()
        self.assert_closed(call)
        self.kept_out(call, first)

    def test_killed_while_latched(self):
        """C5 A5: a source that appears while no daemon runs gets in at once, and is kept by the next daemon."""
        self.configure(f"[peer {PROVIDER}]\nmedia-source = latch\n")
        call = self.call_out(media_address=PROVIDER)
        self.lab.kill_daemon()
        source = self.media(MEDIA_SERVER, 31000)
        self.let_in(call, source)
        self.lab.start_daemon(config=f"[peer {PROVIDER}]\nmedia-source = latch\n")
        wait_for(lambda: (MEDIA_SERVER, "rtp", "learned") in self.remotes(call), 3, "the learned source to be shown")
        self.let_in(call, self.media(MEDIA_SERVER, 31500))
        self.kept_out(call, self.media(STRANGER, 32000))
        call.hang_up()
        self.assert_closed(call)

    def test_without_policy(self):
        """C5: there is no latch without the policy; the policy of another peer does not apply."""
        self.configure(f"[peer {STRANGER}]\nmedia-source = latch\n")
        call = self.call_out(media_address=PROVIDER)
        self.kept_out(call, self.media(MEDIA_SERVER, 31000))
        self.assertEqual({remote for remote, _, _ in self.remotes(call)}, {PROVIDER})

    def test_any(self):
        """C5 C7: with `any`, media from every host arrive until the call ends."""
        self.configure(f"[peer 203.0.113.0/28]\nmedia-source = any\n")
        call = self.call_out(media_address=PROVIDER)
        self.assertIn(("*", "rtp", "open"), self.remotes(call))
        talkers = [self.media(MEDIA_SERVER, 31000), self.media(STRANGER, 32000)]
        for talker in talkers:
            self.let_in(call, talker)
        call.hang_up()
        self.assert_closed(call)
        wait_for(lambda: not self.lab.flows("sport=32000") and not self.lab.flows("sport=31000"), 1,
                 "the flows of everybody to leave conntrack")
        for talker in talkers:
            self.kept_out(call, talker)

    def test_changed_while_running(self):
        """SIGHUP brings another policy into force; a mistake in the file changes nothing and is named."""
        self.configure("")
        self.lab.file("sipalgd.conf", f"[peer {PROVIDER}]\nmedia-source = any\n")
        self.lab.daemon.send(signal.SIGHUP)
        wait_for(lambda: "configuration reloaded" in self.lab.daemon.output(), 3, "the new configuration")
        call = self.call_out(media_address=PROVIDER)
        self.let_in(call, self.media(STRANGER, 32000))
        call.hang_up()
        self.lab.file("sipalgd.conf", f"[peer {PROVIDER}]\nmedia-source = all\n")
        self.lab.daemon.send(signal.SIGHUP)
        wait_for(lambda: "sipalgd.conf:2: media-source: 'all' is not a media source" in self.lab.daemon.output(), 3,
                 "the complaint")
        again = self.call_out(call.phone, call.peer, 42000, 33000)
        self.assertIn(("*", "rtp", "open"), self.remotes(again))


if __name__ == "__main__":
    main()
