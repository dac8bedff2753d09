// Properties of rewriting over generated messages: thousands of forms, with fixed seeds.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "alg/core/door.hpp"
#include "alg/sip/body.hpp"
#include "alg/sip/text.hpp"
#include "tests/unit/flow_tracker.hpp"
#include "tests/unit/packets.hpp"

namespace sipalg {

namespace {

const Address wan = Address::v4(0xCB007101);  // 203.0.113.1
const std::string phone = "192.168.1.10";
const std::string peer = "203.0.113.10";

/// Makes messages as a phone at 192.168.1.10:5060 might send them: its own endpoints are in all places where
/// RFC 3261 allows them, and in as many where nothing must be changed. One in three is odd: it has forms that
/// RFC 3261 forbids and devices send all the same (S9).
class Generator {
  public:
    explicit Generator(unsigned seed) : random_(seed) {}

    std::string message() {
        line_end_ = chance(4) ? "\n" : "\r\n";
        odd_ = chance(3);
        via_port_ = chance(2) ? "" : pick({":5060", ":5060", ":5070"});
        uri_port_ = chance(2) ? "" : ":5060";
        if (odd(3)) via_port_ = pick({":", ":0"});
        if (odd(3)) uri_port_ = pick({":", ":0"});
        const bool request = !chance(3);
        const std::string method = pick({"INVITE", "INVITE", "REGISTER", "OPTIONS", "REFER", "FOO"});
        lines_.clear();
        if (request) lines_.push_back(name("Via", "v") + via(phone + via_port_, true));
        for (int i = chance(2) + (request ? 0 : 1); i > 0; --i)
            lines_.push_back(name("Via", "v") +
                             via(pick({"203.0.113.99:5061", "proxy.example", peer}), false));
        const std::string tag = chance(2) ? ";tag=192.168.1.10" : ";tag=9z";
        lines_.push_back(name("From", "f") + address(chance(3)) + tag);
        lines_.push_back(name("To", "t") + address(chance(4)) + (request && chance(2) ? "" : ";tag=t"));
        lines_.push_back(name("Call-ID", "i") + "c" + std::to_string(random_() % 20) + "@192.168.1.10");
        std::string cseq = method;
        if (odd(4)) std::transform(cseq.begin(), cseq.end(), cseq.begin(), text::lower);
        lines_.push_back(name("CSeq", "CSEQ") + std::to_string(1 + random_() % 5) + " " + cseq);
        if (odd(4))
            lines_.push_back(pick({"no colon 192.168.1.10", "X Y: 192.168.1.10", "X(: 1", ": 192.168.1.10"}));
        if (odd(4)) lines_.push_back(lines_[request ? 1 : 0]);
        for (int i = static_cast<int>(random_() % 4); i > 0; --i)
            lines_.push_back(any_header());
        std::shuffle(lines_.begin() + (request ? 1 : 0), lines_.end(), random_);
        std::string text = (request ? request_line(method)
                                    : pick({"SIP/2.0 200 OK", "SIP/2.0 183 x", "SIP/2.0 302 Moved"})) +
                           (odd(4) ? pick({" ", "\t", "  "}) : "") + line_end_;
        const std::string body = chance(3) ? "" : this->body();
        if (!chance(4)) {
            const std::string length = name("Content-Length", "l") + std::to_string(body.size());
            lines_.insert(lines_.begin() + static_cast<std::ptrdiff_t>(random_() % (lines_.size() + 1)),
                          length);
        }
        for (const std::string& line : lines_)
            text += line + line_end_;
        return text + line_end_ + body;
    }

  private:
    bool chance(unsigned one_in) { return random_() % one_in == 0; }
    bool odd(unsigned one_in) { return odd_ && chance(one_in); }
    std::string pick(std::initializer_list<std::string_view> of) {
        return std::string(of.begin()[random_() % of.size()]);
    }

    std::string request_line(const std::string& method) {
        if (!odd(2)) return method + " sip:b@provider.example SIP/2.0";
        return method + pick({" ", "  ", "\t"}) +
               pick({"<sip:b@provider.example>", "sip:b@provider.example; x", "b@provider.example",
                     "sip:b@provider.example?Subject=192.168.1.10"}) +
               pick({" ", "   ", "\t"}) + "SIP/2.0";
    }
    std::string name(const char* name, const char* compact) {
        return (chance(4) ? compact : name) + (chance(6)   ? pick({":", " : ", ":\t "})
                                               : chance(9) ? ":" + line_end_ + " "
                                                           : ": ");
    }
    std::string via(const std::string& sent_by, bool own) {
        return pick({"SIP/2.0/UDP ", "SIP/2.0/udp  ", "SIP / 2.0 / UDP "}) + sent_by + pick({"", ";rport"}) +
               ";branch=z9hG4bK192.168.1.10" + (own ? "" : ";received=203.0.113.98;rport=5099") +
               (own && chance(3) ? ", SIP/2.0/UDP 192.168.1.10:5062;branch=z9hG4bK0" : "");
    }
    std::string address(bool own) {
        std::string uri =
            "sip:192.168.1.10@" + (own ? phone : pick({"provider.example", "203.0.113.9", "192.168.1.77"}));
        if (chance(4)) return uri;
        if (odd(2))
            return pick({"\"Sami\\\" ", "\"Al\"ice\" ", "\"open ", "Doe, Alice; 7 ",
                         "\"192.168.1.10\" \"x "}) +
                   pick({"<", "< ", "<<"}) + uri + pick({">", " >", ">>", "> x", ""});
        return pick({"", "\"192.168.1.10\" ", "\"a, <sip:x@192.168.1.10>; \\\"\" ", "Alice  "}) + "<" + uri +
               pick({"", ";x=192.168.1.10", ";transport=udp"}) + ">";
    }
    std::string own_uri() {
        if (odd(2))
            return pick({"<sip:a@example.net@", "<sip:a@@", "<", "<a@", "< sip : a@", "\"open <sip:a@",
                         "sip:a@", "<sip:a@ "}) +
                   phone + uri_port_ + pick({">", " >", " ;ob>", "", "> x"});
        return "<sip:a@" + phone + uri_port_ +
               pick({"", ";ob", ";transport=udp;lr", "?Subject=192.168.1.10"}) + ">";
    }
    std::string any_header() {
        switch (random_() % 9) {
            case 0:
                return name("Contact", "m") + own_uri() +
                       pick({"", ";expires=60", ";+sip.instance=\"<urn:192.168.1.10>\""});
            case 1:
                return name("Contact", "m") + "\"x\" " + own_uri() +
                       pick({",", " , ", ", <sip:b@provider.example>,"}) + own_uri();
            case 2: return name("Record-Route", "RECORD-ROUTE") + own_uri() + ", <sip:203.0.113.77;lr>";
            case 3: return name("Path", "path") + own_uri();
            case 4: return name("Refer-To", "r") + address(true);
            case 5: return name("P-Asserted-Identity", "p-asserted-identity") + address(true) + ", <tel:+49>";
            case 6: return "X-" + std::to_string(random_() % 9) + ": 192.168.1.10:5060 <sip:192.168.1.10>";
            case 7: return "Authorization: Digest username=\"192.168.1.10\", uri=\"sip:192.168.1.10\"";
            default: return name("Referred-By", "b") + address(true);
        }
    }
    std::string body() {
        std::string sdp = description();
        if (!chance(4)) {
            lines_.push_back(name("Content-Type", "c") + pick({"application/sdp", "Application/SDP;x=y"}));
            return sdp;
        }
        const bool alternative = chance(2);
        lines_.push_back(name("Content-Type", "c") + "multipart/" + (alternative ? "alternative" : "mixed") +
                         ";boundary=\"b\"");
        const std::string second =
            alternative ? "\r\n--b\r\nContent-Type: application/sdp\r\n\r\n" + description() : "";
        return "--b\r\nContent-Type: text/plain\r\n\r\n192.168.1.10\r\n--b\r\nContent-Type: "
               "application/sdp\r\n" +
               (chance(2) ? "" : "Content-Length: " + std::to_string(sdp.size()) + "\r\n") + "\r\n" + sdp +
               second + "\r\n--b--\r\n";
    }
    std::string description() {
        const std::string end = chance(4) ? "\n" : "\r\n";
        const bool each = chance(3);
        const std::string connection = "c=IN IP4 " + (chance(6)   ? "0.0.0.0"
                                                      : chance(8) ? "media.example"
                                                                  : phone);
        std::string text =
            odd(2) ? pick({"v=0 ", "v= 0", "\xef\xbb\xbfv=0", "\r\nv=0", "a=x", " v=0"}) : "v=0";
        text += end + "o=- 192 168 IN IP4 " + phone + end + "s=192.168.1.10" + end;
        if (!each) text += connection + end;
        text += "t=0 0" + end + pick({"", "a=tool:192.168.1.10"}) + end;
        for (auto i = 0UL, port = 16000 + 2 * (random_() % 50); i <= random_() % 4; ++i, port += 4) {
            text += "m=" + pick({"audio ", "video ", "image "}) + std::to_string(chance(8) ? 0 : port) +
                    pick({"", "", "", "/2"}) + pick({" RTP/AVP 0", " RTP/SAVPF 96 97", " udptl t38"}) + end;
            if (each) text += connection + end;
            if (odd(3)) text += "m=video " + pick({"500", "1", "1900", "x", "70000"}) + " RTP/AVP 31" + end;
            text += alternatives(port, end);
            if (chance(4))
                text += "a=rtcp:" + std::to_string(port + 3) + pick({"", " IN IP4 192.168.1.10"}) + end;
            text += pick({"a=sendrecv", "a=inactive", "a=rtcp-mux", "a=x:192.168.1.10 16000"}) + end;
        }
        return text;
    }

    /// ICE, ANAT and MSRP: what names the phone beside c= and m=, and what does not.
    std::string alternatives(unsigned long port, const std::string& end) {
        const std::string own = std::to_string(port), rtcp = std::to_string(port + 1);
        std::string text;
        if (chance(3)) {
            text += "a=candidate:1 1 UDP 2130706431 " + phone + " " + own + " typ host" + end;
            text += "a=candidate:1 2 udp 2130706430 " + phone + " " + rtcp + " typ host generation 0" + end;
            text += "a=candidate:2 1 UDP 1694498815 198.51.100.9 " + own + " typ srflx raddr " + phone +
                    " rport " + own + end;
            text += "a=candidate:3 1 UDP 1 " + pick({"192.168.1.77", "a.local", "2001:db8::1"}) +
                    " 9000 typ host" + end;
        }
        if (chance(8))
            text += "a=candidate:4 1 TCP 1 " + phone + " " + own + " typ host tcptype passive" + end;
        if (chance(6))
            text += "a=altc:1 IP4 " + phone + " " + own + end + "a=altc:2 IP6 2001:db8::1 " + own + end;
        if (chance(8))
            text += "a=path:msrp://" + phone + ":" + own + "/s;tcp msrp://relay.example:2855/r;tcp" + end;
        return text;
    }

    std::mt19937 random_;
    bool odd_ = false;  ///< the message that is being made
    std::string line_end_, via_port_, uri_port_;
    std::vector<std::string> lines_;
};

class Router {
  public:
    /// With `taken`, another phone has the public port 5060.
    explicit Router(bool taken) {
        state_.set_own_addresses({wan});
        if (!taken) return;
        pass(Side::inside, "192.168.1.11:5060", peer + ":5060",
             "OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/UDP 192.168.1.11\r\nFrom: <sip:a@b>;tag=1\r\nTo: "
             "<sip:a@b>\r\n"
             "Call-ID: t\r\nCSeq: 1 OPTIONS\r\n\r\n",
             true);
    }
    std::string out(const std::string& message) {
        return pass(Side::inside, phone + ":5060", peer + ":5060", message, true);
    }
    /// Nothing of it stays.
    std::string back(const std::string& message) {
        return pass(Side::outside, peer + ":5060", phone + ":5060", message, false);
    }
    const rewrite::Edits& edits() { return state_.edits; }

  private:
    std::string pass(Side side, const std::string& from, const std::string& to, const std::string& message,
                     bool keep) {
        const auto bytes = test::udp_packet(from, to, message);
        inspect(state_, test::answering({side, bytes, {wan, wan}}), Time{1000}, decision_);
        keep ? state_.commit() : state_.cancel();
        return decision_.rewritten ? decision_.payload : message;
    }
    State state_{Policy{}};
    Decision decision_;
};

bool is_endpoint_text(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789.:") == std::string_view::npos;
}

// What was not planned to change has not changed, and what was planned is an address, a port or a length.
void check_spans(const std::string& before, const std::string& after, const rewrite::Edits& edits) {
    std::size_t in = 0, out = 0;
    for (const rewrite::Edit& edit : edits.planned()) {
        const std::size_t gap = edit.offset - in;
        REQUIRE(before.compare(in, gap, after, out, gap) == 0);
        const std::string_view target = std::string_view(before).substr(edit.offset, edit.length);
        const std::string_view text = edits.text(edit);
        CHECK(is_endpoint_text(target));
        CHECK(is_endpoint_text(text));
        CHECK(after.compare(out + gap, text.size(), text) == 0);
        in = edit.offset + edit.length;
        out += gap + text.size();
    }
    CHECK(before.substr(in) == after.substr(out));
}

std::size_t count(std::string_view text, std::string_view of) {
    std::size_t found = 0;
    for (std::size_t at = text.find(of); at != text.npos; at = text.find(of, at + of.size()))
        ++found;
    return found;
}

// The largest growth: the router's address and a port of five digits for each address of the phone, a longer
// port for each field without an address, and a longer length.
std::size_t bound(std::string_view message) {
    constexpr std::size_t endpoint = sizeof ":65535" - 1, digit = 1;
    return message.size() + count(message, phone) * endpoint +
           (count(message, "\nm=") + count(message, "\na=rtcp:") + count(message, "ontent-") + 2) * digit;
}

void check_structure(const std::string& before, const std::string& after) {
    sip::Message a, b;
    REQUIRE(a.parse(before) == sip::ParseError::none);
    REQUIRE(b.parse(after) == sip::ParseError::none);
    REQUIRE(a.headers().size() == b.headers().size());
    for (std::size_t i = 0; i < a.headers().size(); ++i)
        CHECK(a.headers()[i].id == b.headers()[i].id);
    CHECK(a.is_request() == b.is_request());
    CHECK(a.status() == b.status());
    CHECK(a.call_id() == b.call_id());
    CHECK(a.from_tag() == b.from_tag());
    CHECK(a.to_tag() == b.to_tag());
    CHECK(a.cseq().number == b.cseq().number);
    CHECK(a.content_length().has_value() == b.content_length().has_value());
    if (b.content_length()) CHECK(*b.content_length() == std::to_string(b.bytes().size() - b.head().size()));
    const sip::Bodies in = sip::find_sdp(a), out = sip::find_sdp(b);
    REQUIRE(in.sdp.size() == out.sdp.size());
    for (std::size_t i = 0; i < in.sdp.size(); ++i) {
        sdp::Description x, y;
        REQUIRE(x.parse(in.sdp[i].text));
        REQUIRE(y.parse(out.sdp[i].text));
        REQUIRE(x.media().size() == y.media().size());
        for (std::size_t m = 0; m < x.media().size(); ++m) {
            CHECK(x.media()[m].type == y.media()[m].type);
            CHECK((x.media()[m].port == 0) == (y.media()[m].port == 0));
        }
        if (out.sdp[i].content_length)
            CHECK(*out.sdp[i].content_length == std::to_string(out.sdp[i].text.size()));
    }
}

}  // namespace

TEST_CASE(
    "S1 S4 S6 S9 generated messages: only endpoints change, the result has the same structure, and it comes "
    "back as it was") {
    std::size_t changed = 0;
    std::set<rewrite::Place> places;
    for (unsigned seed = 1; seed <= 600; ++seed) {
        Generator generator(seed);
        Router router(seed % 2 == 0);
        for (int i = 0; i < 10; ++i) {
            const std::string before = generator.message();
            INFO("seed ", seed, " message ", i, ":\n", before);
            const std::string after = router.out(before);
            if (after != before) {
                ++changed;
                for (const rewrite::Edit& edit : router.edits().planned())
                    places.insert(edit.place);
                check_spans(before, after, router.edits());
            }
            CHECK(after.size() <= bound(before));
            check_structure(before, after);
            REQUIRE(router.back(after) == before);
            REQUIRE(router.out(before) == after);  // C10
        }
    }
    // Or the generator has stopped making messages that matter.
    CHECK(changed > 4500);
    using rewrite::Place;
    for (const Place place :
         {Place::via_sent_by, Place::contact, Place::record_route, Place::path, Place::identity,
          Place::sdp_origin, Place::sdp_connection, Place::sdp_port, Place::sdp_rtcp, Place::sdp_candidate,
          Place::sdp_altc, Place::sdp_path, Place::content_length}) {
        INFO(rewrite::name(place));
        CHECK(places.contains(place));
    }
}

}  // namespace sipalg
