"""Many transactions on one connection, begun by both sides, with texts of random shape; both streams are compared."""

from lab import PHONE1
from tcptest import TcpTest, Transaction, description


def adorned(rng, port=None, most=900):
    """(header lines, description): the phone's addresses in a random number of places, between text of random length.

    Content-Length gains or loses a digit now and then.
    """
    lines = [f"X-Filler: {'f' * rng.randrange(1, 80)}"]
    lines += [f"Record-Route: <sip:{{sig}};transport=tcp;lr;n={n}>" for n in range(rng.randrange(4))]
    if rng.random() < 0.5:
        lines.append("P-Asserted-Identity: <sip:phone@{host}>")
    if rng.random() < 0.5:
        lines.append("Reply-To: <sip:phone@{sig};transport=tcp>")
    body = ""
    if port:
        body = description(port, "".join(f"a=x-{'y' * rng.randrange(1, 60)}\r\n" for _ in range(rng.randrange(most // 60))))
        if rng.random() < 0.5:
            body += f"c=IN IP4 {{host}}\r\na=rtcp:{port + 1} IN IP4 {{host}}\r\n"
    rng.shuffle(lines)
    return "\n".join(lines), body


def random_cuts(rng, length, most=12):
    return sorted(rng.sample(range(1, length), min(rng.randrange(most + 1), length - 1)))


def refusal(transaction, answer):
    """The response to it, which for an INVITE is a refusal, so that no call lasts."""
    return lambda more: answer(486 if transaction.method == "INVITE" else 200, more)


def acknowledgement(request):
    return lambda more: request(more, "ACK")


class Conversation(TcpTest):
    """The messages of two ends; the phone's addresses occur in both streams, in the places where the phone put them."""

    def converse(self, connection, count, patience=5.0):
        """Runs this number of transactions, in batches of random size, split at random places. Returns the changes in
        length, as a set for each direction."""
        rng, moved = self.rng, {"out": set(), "in": set()}
        done = 0
        while done < count:
            mine = [Transaction(rng.choice(("OPTIONS", "INVITE", "SUBSCRIBE"))) for _ in range(rng.randrange(1, 6))]
            theirs = [Transaction(rng.choice(("OPTIONS", "INVITE", "NOTIFY"))) for _ in range(rng.randrange(0, 4))]
            calls, their_calls = ([t for t in side if t.method == "INVITE"] for side in (mine, theirs))
            port = connection.names.media + 2 * rng.randrange(20)
            out, in_ = connection.names.out, connection.names.in_
            for outward, inward in (
                    ([(out, t, t.request, port) for t in mine], [(in_, t, t.peer_request, None) for t in theirs]),
                    ([(out, t, refusal(t, t.phone_answer), None) for t in theirs],
                     [(in_, t, refusal(t, t.answer), None) for t in mine]),
                    ([(out, t, acknowledgement(t.request), None) for t in calls],
                     [(in_, t, acknowledgement(t.peer_request), None) for t in their_calls])):
                self.cross(connection, *([self.say(*words) for words in side] for side in (outward, inward)), moved,
                           patience)
            done += len(mine) + len(theirs)
        return moved

    def say(self, version, transaction, template, port):
        """One message as sent and as it must arrive; with an offer if `port` is given and it is an INVITE."""
        lines, body = adorned(self.rng, port if transaction.method == "INVITE" else None)
        return version(template(lines), body)

    def cross(self, connection, outward, inward, moved, patience):
        """Both ends send at the same time, and both must receive everything."""
        for way, pairs, sender in (("out", outward, connection.near), ("in", inward, connection.far)):
            moved[way].update(len(wanted) - len(sent) for sent, wanted in pairs)
            sent = b"".join(pair[0] for pair in pairs)
            if sent:
                sender.send(sent, random_cuts(self.rng, len(sent)), patience)
        connection.far.expect(b"".join(pair[1] for pair in outward), patience)
        connection.near.expect(b"".join(pair[1] for pair in inward), patience)

    def assert_changed(self, phone, moved):
        """The test is void if few messages changed in length, or if they did not change as this phone's must."""
        signs = {"out": -1, "in": 1} if phone == PHONE1 else {"out": 1, "in": -1}
        for way, sign in signs.items():
            self.assertGreater(len(moved[way]), 5, "hardly anything changed its length")
            self.assertTrue(all(sign * change >= 0 for change in moved[way]), moved)

    def end(self, connection, patience=5.0):
        """Both ends close, and nothing more arrives."""
        connection.near.finish()
        connection.far.expect_end(patience)
        connection.far.finish()
        connection.near.expect_end(patience)
