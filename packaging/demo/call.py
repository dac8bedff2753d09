#!/usr/bin/python3
"""Plays one call through a NAT router with sipalgd and explains each step. Started by the script "call"."""

import difflib
import os
import sys
import textwrap

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests", "netns"))
import rtp  # noqa: E402
import sip  # noqa: E402
from lab import MEDIA_SERVER, PHONE1, PROVIDER, ROUTER_WAN, STRANGER, Lab  # noqa: E402
from netns import wait_for  # noqa: E402

COLOUR = {"-": "\033[31m", "+": "\033[32m", "=": "\033[1m"} if sys.stdout.isatty() else {}
PACKETS = 250  # five seconds of G.711


def show(text, kind=" "):
    print(COLOUR.get(kind, "") + text + ("\033[0m" if kind in COLOUR else ""), flush=True)


def say(text):
    show(textwrap.fill(" ".join(text.split()), 100, initial_indent="   ", subsequent_indent="   "))


def step(number, title):
    show(f"\n{number}. {title}", "=")


def show_change(before, after):
    """Both versions of a message, line by line; "-" marks lines as one side wrote them, "+" as the other side reads
    them."""
    lines = [raw.decode(errors="replace").replace("\r\n", "\n").rstrip("\n").split("\n") for raw in (before, after)]
    for line in difflib.ndiff(*lines):
        if line[0] != "?":
            show(f"     {line}", line[0])


def listing(text):
    print(textwrap.indent(text.rstrip("\n"), "     "), flush=True)


class Demonstration:
    def __init__(self, lab):
        self.lab = lab

    def call(self):
        lab = self.lab
        step(1, "A router, a phone behind it, a provider outside")
        listing(f"phone {PHONE1} -- [ router ] {ROUTER_WAN} -- provider {PROVIDER}\n"
                f"                                               |- its media server {MEDIA_SERVER}\n"
                f"                                               '- a stranger {STRANGER}")
        say("The router masquerades outgoing packets and drops incoming ones. Without help the phone would tell the "
            "provider to send the audio to 192.168.1.11, an address that exists only inside.")
        lab.start_daemon()
        say("sipalgd now runs on the router. Its status (sipalgctl status):")
        listing("\n".join(lab.ctl_run("status").stdout.splitlines()[:9]))

        step(2, "The phone calls: INVITE")
        phone = sip.Agent(lab, lab.phone1, PHONE1, 5060, "alice", (PROVIDER, 5060))
        peer = sip.Agent(lab, lab.provider, PROVIDER, 5060, "bob")
        phone_rtp = rtp.RtpPort(lab, lab.phone1, PHONE1, 40000)
        peer_rtp = rtp.RtpPort(lab, lab.provider, MEDIA_SERVER, 30000)
        stranger_rtp = rtp.RtpPort(lab, lab.stranger, STRANGER, 30000)
        dialog = phone.invite("bob", sip.sdp(PHONE1, 40000))
        request = peer.hear("INVITE")
        say("The message that the phone sent (-) and the provider received (+). Lines without a mark are identical, "
            "byte for byte:")
        show_change(dialog.invite.raw, request.raw)
        assert b"192.168." not in request.raw, "an inside address went out"

        step(3, "The pinholes were open before the INVITE left: sipalgctl pinholes")
        listing(lab.ctl_run("pinholes").stdout)
        say("These public ports lead to the phone's RTP and RTCP ports. Until the call is answered, only the "
            "provider's signalling address may send to them. Each pinhole has a timeout in the kernel.")

        step(4, "The provider answers. Its media come from another host, which sends first")
        answer = peer.reply(request, 200, sip.sdp(MEDIA_SERVER, 30000))
        final = phone.hear(200)
        say("The message that the provider sent (-) and the phone received (+). The phone sees its own addresses:")
        show_change(answer, final.raw)
        dialog.learn(final)
        phone.ack(dialog, final)
        peer.hear("ACK")
        say("The pinholes follow the answer: only the media server may send now.")
        listing(lab.ctl_run("pinholes").stdout)

        step(5, f"Audio: {PACKETS} RTP packets each way, and RTCP")
        phone_told, peer_told = final.media[0], request.media[0]
        queued = lab.queue_counters()
        rtp.exchange(phone_rtp, phone_told, peer_rtp, peer_told, PACKETS, first="right")
        listing(f"media server -> phone   sent {PACKETS}   received {len(phone_rtp.heard)}   "
                f"RTCP received {len(phone_rtp.heard_rtcp)}\n"
                f"phone -> media server   sent {PACKETS}   received {len(peer_rtp.heard)}   "
                f"RTCP received {len(peer_rtp.heard_rtcp)}")
        self.intrude(stranger_rtp, phone_rtp, peer_told, "stranger -> phone       ")
        seen = lab.queue_counters()[0] - queued[0]
        say(f"Media packets that were queued to sipalgd: {seen}.")
        assert seen == 0, "media were queued"

        step(6, "The phone hangs up: BYE")
        phone.request("BYE", dialog)
        peer.reply(peer.hear("BYE"), 200)
        phone.hear(200)
        wait_for(lambda: not lab.ctl("pinholes") and not lab.flows(f"sport={phone_rtp.port}"), 1,
                 "the pinholes and flows to go")
        listing(lab.ctl_run("pinholes").stdout)
        self.intrude(peer_rtp, phone_rtp, peer_told, "media server -> phone   ")
        say("The flow was deleted together with the pinhole: a peer that keeps sending is not heard.")

        step(7, "sipalgd stops")
        lab.stop_daemon()
        say("The router's ruleset is the same as before, compared as text.")

    @staticmethod
    def intrude(voice, phone_rtp, told, label):
        phone_rtp.forget()
        voice.send((told.address, told.port), 50)
        phone_rtp.hears_nothing()
        listing(f"{label}sent 50    received {len(phone_rtp.heard)}")


def main():
    lab = None
    try:
        lab = Lab()
        Demonstration(lab).call()
    except KeyboardInterrupt:
        print("\nInterrupted. Removing everything.")
        return 130
    except (AssertionError, OSError, RuntimeError) as problem:
        print(f"\nThe call failed: {problem}")
        if lab:
            print(lab.evidence())
        return 1
    finally:
        if lab:
            lab.close()
    left = lab.leftovers()
    if left:
        print(f"Left behind: {', '.join(left)}")
        return 1
    show("\nThe call worked: audio in both directions, no packet from anyone else, nothing left behind.", "=")
    return 0


if __name__ == "__main__":
    sys.exit(main())
