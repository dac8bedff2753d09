"""The demonstration behind packaging/demo/call: a call from a phone behind NAT, with everything shown on the way."""

import difflib
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests", "netns"))
from lab import MEDIA_SERVER, PHONE1, PROVIDER, ROUTER_WAN, STRANGER, Lab  # noqa: E402
from netns import wait_for  # noqa: E402
from rtp import RtpPort  # noqa: E402
from sip import Agent, sdp  # noqa: E402

PACKETS = 50        # one second of audio
FRAME_S = 0.02
PICTURE = f"""
phone                      router                           provider
{PHONE1} --- lan ---[ masquerades, drops ]--- wan --- {PROVIDER} (SIP), {MEDIA_SERVER} (audio)
                        [ what comes in      ]           {STRANGER} (a stranger)
                          {ROUTER_WAN} outside
"""


class Show:
    """Prints numbered steps and remembers whether all of them were as they should be."""

    def __init__(self):
        self.colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self.number, self.good = 0, True

    def paint(self, code, text):
        return f"\033[{code}m{text}\033[0m" if self.colour else text

    def step(self, title):
        self.number += 1
        print(f"\n{self.paint('1', f'{self.number}. {title}')}", flush=True)

    def say(self, text):
        for line in text.rstrip("\n").split("\n"):
            print(f"   {line}")

    def check(self, good, text):
        self.good = self.good and good
        self.say((self.paint("32", "ok    ") if good else self.paint("31", "WRONG ")) + text)

    def change(self, before, after, left, right):
        """A message on both sides of the router; changed lines are marked."""
        self.say(f"- as {left} sent it        + as {right} got it")
        old, new = (m.decode("utf-8", "replace").replace("\r\n", "\n").rstrip("\n").split("\n") for m in (before, after))
        for line in difflib.ndiff(old, new):
            if line[0] != "?":
                shown = line if line[0] != " " else "  " + line[2:]
                self.say("   " + self.paint({"-": "31", "+": "32"}.get(line[0], "2"), shown))


def talk(show, phone_audio, public, media_audio, told):
    """One second of audio both ways, 20 ms a packet, and what each end heard."""
    for _ in range(PACKETS):
        phone_audio.send((told.address, told.port))
        media_audio.send(public)
        time.sleep(FRAME_S)
    phone_audio.listen()
    media_audio.listen()
    show.say(f"phone    sent {PACKETS} packets, heard {len(phone_audio.heard)} from "
             f"{phone_audio.heard[0].source[0] if phone_audio.heard else 'nobody'}")
    show.say(f"provider sent {PACKETS} packets, heard {len(media_audio.heard)} from "
             + (":".join(map(str, media_audio.heard[0].source)) if media_audio.heard else "nobody"))
    show.check(len(phone_audio.heard) == PACKETS and len(media_audio.heard) == PACKETS, "all audio arrived both ways")
    show.check(all(h.source == public for h in media_audio.heard), "and came from the very port that the call named")


def demonstrate(lab, show):
    show.step("A phone at home, a router that masquerades and lets nothing in, a provider outside")
    show.say(PICTURE)
    show.say("The router's own firewall stays as it is. sipalgd starts on the router:")
    lab.start_daemon()
    show.say(lab.ctl_run("status").stdout.split("\n\n")[0])

    phone = Agent(lab, lab.phone1, PHONE1, user="alice", hop=(PROVIDER, 5060))
    provider = Agent(lab, lab.provider, PROVIDER, user="bob")
    phone_audio = RtpPort(lab, lab.phone1, PHONE1, 16400)
    media_audio = RtpPort(lab, lab.provider, MEDIA_SERVER, 30000)
    stranger = lab.udp(lab.stranger, STRANGER, 4444)

    show.step("The phone calls. It knows only its inside address; sipalgd writes the public one into the message")
    dialog = phone.invite("bob", sdp(PHONE1, phone_audio.port))
    invite = provider.hear("INVITE")
    show.change(dialog.invite.raw, invite.raw, "the phone", "the provider")
    show.check(b"192.168." not in invite.raw, "no inside address is left in what the provider sees")

    show.step("Before the message left, the way back for the audio was opened: for the provider only")
    show.say(lab.ctl_run("pinholes").stdout)
    provider.reply(invite, 180)
    phone.hear(180)

    show.step("The provider answers: the audio will come from another server")
    sent = provider.reply(invite, 200, sdp(MEDIA_SERVER, media_audio.port))
    answer = phone.hear(200)
    show.change(sent, answer.raw, "the provider", "the phone")
    dialog.learn(answer)
    phone.ack(dialog, answer)
    provider.hear("ACK")
    show.say("\nThe pinholes now admit that server and nobody else:")
    show.say(lab.ctl_run("pinholes").stdout)
    offered = invite.media[0]
    public = (offered.address, offered.port)

    show.step("Audio, one second both ways. It goes through the kernel alone; sipalgd never sees a packet of it")
    queued = lab.queue_counters()[0]
    talk(show, phone_audio, public, media_audio, answer.media[0])
    show.check(lab.queue_counters()[0] == queued, "no audio packet was handed to sipalgd")
    phone_audio.forget()
    stranger.send(b"\x80\x00 let me in", public)
    media_audio.send(public)
    wait_for(lambda: phone_audio.listen() or phone_audio.heard, 3, "the provider's packet")
    show.check(all(h.source[0] == MEDIA_SERVER for h in phone_audio.heard) and len(phone_audio.heard) == 1,
               f"a packet that the stranger sent to {public[0]}:{public[1]} did not get through")

    show.step("The phone hangs up")
    phone.request("BYE", dialog)
    provider.reply(provider.hear("BYE"), 200)
    phone.hear(200)
    wait_for(lambda: lab.ctl("pinholes") == [], 3, "the pinholes to close")
    show.say("sipalgctl pinholes:  " + lab.ctl_run("pinholes").stdout)
    wait_for(lambda: not lab.flows(f"src={MEDIA_SERVER}") and not lab.flows(f"dst={MEDIA_SERVER}"), 1.5,
             "the audio's flows to end")
    phone_audio.forget()
    for _ in range(5):
        media_audio.send(public)
    phone_audio.hears_nothing()
    show.check(True, "the pinholes are gone, and audio that still comes in is dropped")

    show.step("sipalgd stops")
    lab.stop_daemon()
    show.check(lab.ruleset() == lab.empty_ruleset, "the router's ruleset is exactly what it was before")


def main():
    show = Show()
    lab = Lab()
    try:
        demonstrate(lab, show)
    except (AssertionError, RuntimeError) as error:
        show.check(False, str(error))
        print(lab.evidence(), file=sys.stderr)
    except KeyboardInterrupt:
        print("\nInterrupted; everything is taken away again.", file=sys.stderr)
        return 130
    finally:
        lab.close()
    left = lab.leftovers()
    show.check(not left, "nothing is left behind" if not left else f"left behind: {', '.join(left)}")
    print("\n" + (show.paint("1;32", "The call worked.") if show.good else show.paint("1;31", "The call did NOT work.")))
    return 0 if show.good else 1


sys.exit(main())
