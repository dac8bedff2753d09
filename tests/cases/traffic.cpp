#include "tests/cases/traffic.hpp"

#include <array>
#include <stdexcept>

#include "alg/core/renumber.hpp"
#include "tests/cases/invariants.hpp"
#include "tests/unit/packets.hpp"

namespace sipalg::test {

namespace {

// 203.0.113.1, .2 and .3
const Address wan = Address::v4(0xCB007101), second = Address::v4(0xCB007102),
              third = Address::v4(0xCB007103);
const std::array egresses{Egress{wan, wan}, Egress{second, second}, Egress{wan, third},
                          Egress{second, third}};

// Small, so that the limits are reached.
Policy policy() {
    Policy small;
    small.media_low = 20000;
    small.media_high = 20031;
    small.max_mappings = 40;
    small.max_mappings_per_phone = 30;
    small.max_calls = 6;
    small.max_calls_per_phone = 4;
    small.max_calls_per_peer = 5;
    small.max_unanswered_per_phone = 3;
    small.max_bindings = 4;
    small.max_bindings_per_phone = 3;
    return small;
}

void start(std::optional<State>& state) {
    state.emplace(policy());
    state->set_own_addresses({wan, second, *Address::parse("192.168.1.1")});
}

constexpr std::array phones{"192.168.1.10", "192.168.1.11", "192.168.1.12"};
constexpr std::array peers{"203.0.113.10", "203.0.113.20", "203.0.113.66"};
constexpr std::array first_methods{"INVITE", "INVITE", "INVITE", "REGISTER", "REGISTER", "OPTIONS"};
constexpr std::array later_methods{"INVITE", "ACK", "BYE", "PRACK", "UPDATE", "ACK", "CANCEL", "INFO"};
constexpr std::array statuses{"100 a", "180 a", "183 a", "200 a", "200 a", "200 a",
                              "302 a", "401 a", "408 a", "481 a", "486 a", "491 a"};
constexpr std::array phone_ports{":5060", ":5060", "", ":5070", ":80"};
constexpr std::array media_ports{"16000", "16002", "16000", "22", "0", "9", "5060", "16010"};
constexpr std::array hosts{"203.0.113.11", "203.0.113.10", "0.0.0.0",       "127.0.0.1",   "224.0.0.1",
                           "203.0.113.1",  "192.168.1.66", "media.example", "203.0.113.12"};
constexpr std::array attributes{"",
                                "",
                                "a=sendonly\r\n",
                                "a=inactive\r\n",
                                "a=rtcp-mux\r\n",
                                "a=rtcp:16005\r\n",
                                "a=rtcp:16009 IN IP4 203.0.113.11\r\n",
                                "a=candidate:1 1 UDP 9 192.168.1.10 16000 typ host\r\n"
                                "a=candidate:1 2 UDP 8 192.168.1.10 16001 typ host\r\n",
                                "a=candidate:2 1 UDP 9 203.0.113.11 30000 typ host\r\n",
                                "a=altc:1 IP4 192.168.1.11 16040\r\na=altc:2 IP6 2001:db8::1 16040\r\n",
                                "m=message 16060 TCP/MSRP *\r\na=path:msrp://192.168.1.10:16060/s;tcp\r\n",
                                "m=audio 16080/3 RTP/AVP 0\r\n",
                                "a=group:BUNDLE 1 2\r\na=mid:1\r\nm=video 16000 RTP/AVP 31\r\na=mid:2\r\n",
                                "m=video 16020 RTP/AVP 31\r\n",
                                "m=video 0 RTP/AVP 31\r\n"};

}  // namespace

Traffic::Traffic(std::span<const std::uint8_t> bytes) : egress_(egresses[0]), rest_(bytes) {
    start(state_);
}

std::uint8_t Traffic::next() {
    if (rest_.empty()) return 0;
    const std::uint8_t byte = rest_.front();
    rest_ = rest_.subspan(1);
    return byte;
}

void Traffic::play() {
    for (Request& request : requests_)
        request = {true, phones[0], ":5060", peers[0], "OPTIONS", "none", "z9hG4bKnone", "l0", "", 1};
    while (!rest_.empty()) {
        const std::uint8_t kind = next();
        switch (kind % 16) {
            case 0:
            case 1:
            case 2: begin(); break;
            case 9:
            case 10: go_on(); break;
            case 11: send(known(), nullptr); break;
            case 12: wait(Seconds{std::array{1, 20, 32, 100, 200, 300, 700, 3600}[kind / 16 % 8]}); break;
            case 13: kernel_.refuse_at_times(now_); break;
            case 14:
                if (kind / 16 % 4 == 0)
                    restart();
                else if (kind / 16 % 4 == 1)
                    change_address();
                else
                    scan();
                break;
            case 15: raw_packet(); break;
            default: answer(); break;
        }
        check_invariants(*state_, kernel_, now_);
    }
}

void Traffic::end() {
    kernel_.relent();
    state_->scan.begin(now_);  // conntrack is empty too
    state_->scan.end();
    wait(Seconds{3 * 3600});
    check_invariants(*state_, kernel_, now_);
    const Totals left = totals(*state_);
    if (left.calls || left.bindings || left.mappings || left.pinholes || !kernel_.elements().empty())
        throw std::runtime_error(
            "something is left: " + std::to_string(left.calls) + " calls, " + std::to_string(left.bindings) +
            " bindings, " + std::to_string(left.mappings) + " mappings, " + std::to_string(left.pinholes) +
            " pinholes, in the kernel " + std::to_string(kernel_.elements().size()));
    if (!state_->scan.idle() || state_->next_deadline()) throw std::runtime_error("something is waited for");
}

std::string Traffic::sdp(bool inside, const std::string& own) {
    const std::uint8_t address = next();
    const std::string host = inside && address % 4 != 0 ? own : hosts[address / 4 % hosts.size()];
    std::string text = "v=0\r\no=- 1 1 IN IP4 " + host + "\r\ns=-\r\nc=IN IP4 " + host +
                       "\r\nt=0 0\r\nm=audio " + media_ports[next(media_ports.size())] + " RTP/AVP 0\r\n";
    return text + attributes[next(attributes.size())];
}

// One of the latest requests, most often the last one.
Traffic::Request& Traffic::known() {
    const std::uint8_t back = next();
    return requests_[(latest_ + requests_.size() - (back < 128 ? 0 : back % requests_.size())) %
                     requests_.size()];
}

void Traffic::begin() {
    const std::uint8_t who = next(), what = next();
    Request request;
    request.method = first_methods[what % first_methods.size()];
    request.by_phone = request.method == std::string("REGISTER") || who % 2 == 0;
    request.phone = phones[who / 2 % phones.size()];
    request.port = phone_ports[who / 8 % phone_ports.size()];
    request.peer = peers[who / 64 % 2];
    request.call_id = "call" + std::to_string(what / 8 % 4);
    request.cseq = 1 + what / 32 % 2;
    request.branch = "z9hG4bK" + std::to_string(what / 64);
    request.local_tag = request.by_phone ? "l0" : "";
    request.remote_tag = request.by_phone ? "" : "r0";
    latest_ = (latest_ + 1) % requests_.size();
    requests_[latest_] = request;
    send(request, nullptr);
}

// Stores the tag of the response, so that later requests are in that dialog.
void Traffic::answer() {
    Request& request = known();
    const std::uint8_t how = next();
    std::string& tag = request.by_phone ? request.remote_tag : request.local_tag;
    if (tag.empty()) tag = (request.by_phone ? "r" : "l") + std::to_string(how / 16 % 2);
    if (how >= 240) tag = "other";
    send(request, statuses[how % statuses.size()]);
}

void Traffic::go_on() {
    Request request = known();
    const std::uint8_t how = next();
    request.method = later_methods[how % later_methods.size()];
    const bool same_side = how / 8 % 4 != 0 || request.method == "ACK";
    if (!same_side) request.by_phone = !request.by_phone;
    if (request.method != "ACK" && request.method != "CANCEL") {
        request.cseq += how / 32 % 4 == 0 ? 0 : 1;
        request.branch += 'x';
    }
    if (how >= 240) request.peer = peers[2];
    latest_ = (latest_ + 1) % requests_.size();
    requests_[latest_] = request;
    send(request, nullptr);
}

// Sends the request or a response to it. One byte chooses a deviation.
void Traffic::send(const Request& request, const char* status) {
    const std::uint8_t more = next();
    const bool inside = request.by_phone == !status;
    // A peer may still use the first address of the router.
    const std::string own = inside ? request.phone : (more % 3 == 0 ? wan : egress_.advertised).text();
    const std::string local = request.local_tag.empty() ? "" : ";tag=" + request.local_tag;
    const std::string remote = request.remote_tag.empty() ? "" : ";tag=" + request.remote_tag;
    std::string text = status ? std::string("SIP/2.0 ") + status
                              : request.method + " sip:x@" + (inside ? request.peer : own) + " SIP/2.0";
    text += "\r\nVia: SIP/2.0/UDP " + (request.by_phone ? own + request.port : request.peer) +
            ";branch=" + request.branch + "\r\nFrom: <sip:a@x>" + (request.by_phone ? local : remote) +
            "\r\nTo: <sip:b@x>" + (request.by_phone ? remote : local) + "\r\nCall-ID: " + request.call_id +
            "\r\nCSeq: " + std::to_string(request.cseq) + " " + request.method + "\r\n";
    if (request.method == "REGISTER") {
        if (more % 16 == 15)
            text += "Contact: *\r\n";
        else
            text += "Contact: <sip:x@" + own + request.port + ">\r\n";
        text += "Expires: " + std::to_string(std::array{0, 60, 600, 3600}[more / 16 % 4]) + "\r\n";
    } else if (more % 4 != 0) {
        text += "Contact: <sip:x@" + (inside ? own + request.port : request.peer) + ">\r\n";
    }
    if (more % 32 == 31) text += "RSeq: 1\r\n";
    const std::string body = more >= 64 ? sdp(inside, request.phone) : "";
    if (!body.empty()) text += "Content-Type: application/sdp\r\n";
    text += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    const bool other_port = request.port == ":5070";
    const std::string phone_end = request.phone + (other_port ? request.port : ":5060");
    const std::string peer_end = request.peer + ":5060";
    inspect_packet(inside ? Side::inside : Side::outside, inside ? phone_end : peer_end,
                   inside ? peer_end : phone_end, text);
}

void Traffic::raw_packet() {
    const std::uint8_t size = next();
    const std::size_t length = std::min<std::size_t>(rest_.size(), size);
    const std::string payload(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(length));
    rest_ = rest_.subspan(length);
    if (size % 2)
        inspect_packet(Side::inside, "192.168.1.10:5060", "203.0.113.10:5060", payload);
    else
        inspect_packet(Side::outside, "203.0.113.10:5060", "192.168.1.10:5060", payload);
}

void Traffic::inspect_packet(Side side, const std::string& source, const std::string& destination,
                             const std::string& payload) {
    const auto bytes = udp_packet(source, destination, payload);
    ask(side, bytes);
    if (decision_.rewritten && decision_.payload.size() > payload.size() + 4096)
        throw std::runtime_error("a message grew by more than its addresses can");
    const std::string once = decision_.rewritten ? decision_.payload : payload;
    if (!put_in_force()) return;
    // Sends the packet once more: a retransmission leaves with the same bytes (C10), except if a table was
    // full before and is no longer.
    const bool limited = decision_.reason == Reason::limit_reached;
    ask(side, bytes);
    const std::string twice = decision_.rewritten ? decision_.payload : payload;
    put_in_force();
    if (once != twice && !limited) throw std::runtime_error("a repeated message is written in another way");
}

// Like the daemon, continues without the scan at times.
void Traffic::ask(Side side, std::span<const std::uint8_t> bytes) {
    Arrival arrival{side, bytes, egress_};
    inspect(*state_, flows_.pass(arrival, now_), now_, decision_);
    if (decision_.asked.empty()) return;
    state_->cancel();
    check_invariants(*state_, kernel_, now_);
    if (bytes.size() % 2) scan();
    arrival.answered = true;
    inspect(*state_, arrival, now_, decision_);
    if (!decision_.asked.empty()) throw std::runtime_error("a message asks twice");
}

bool Traffic::put_in_force() {
    return kernel_.put_in_force(*state_, decision_.changes, now_);
}

void Traffic::wait(Seconds time) {
    const Time end = now_ + time;
    for (int steps = 0;; ++steps) {
        if (steps > 100'000) throw std::runtime_error("deadlines do not come to an end");
        const auto due = state_->next_deadline();
        if (!due || *due > end) break;
        now_ = std::max(now_, *due);
        kernel_.expire(now_);
        expire(*state_, now_, decision_);
        put_in_force();
    }
    now_ = end;
    kernel_.expire(now_);
}

void Traffic::scan() {
    const std::string peer = peers[next(peers.size())];
    const auto flow = [&](const std::string& phone, std::uint16_t port) {
        ConntrackEntry seen;
        seen.original_source = *Endpoint::parse(phone + ":16000");
        seen.original_destination = *Endpoint::parse(peer + ":30000");
        seen.reply_source = seen.original_destination;
        seen.reply_destination = {egress_.address, port};
        seen.idle = Seconds{20};
        return seen;
    };
    state_->scan.begin(now_);
    for (const char* phone : phones) {
        static_cast<void>(state_->scan.entry(flow(phone, 16000), now_));
        static_cast<void>(state_->scan.entry(flow(phone, 20000), now_));
        // Signalling through the owner's NAT, with the phone's own port or another one.
        ConntrackEntry signalling = flow(phone, next() % 2 ? std::uint16_t{5060} : std::uint16_t{20002});
        signalling.original_source.port = 5060;
        signalling.reply_source.port = signalling.original_destination.port = 5060;
        static_cast<void>(state_->scan.entry(signalling, now_));
    }
    state_->scan.end();
}

void Traffic::restart() {
    start(state_);
    const auto changes = state_->restore(
        kernel_.read(now_),
        [this](const Address& address) { return address == egress_.address ? egress_.advertised : address; },
        now_);
    kernel_.apply(changes, now_);
    follow_address();
    wait(Seconds{0});  // expires what ended during the restart
}

// If the kernel refuses, the entries stay at the old address and later packets use both. A refused change of
// only the advertised address is taken back, because the daemon decides which address messages name.
void Traffic::change_address() {
    const Egress before = egress_;
    egress_ = egresses[next(egresses.size())];
    if (!follow_address() && egress_.address == before.address) egress_ = before;
}

bool Traffic::follow_address() {
    std::vector<AddressChange> moves;
    for (const Address& from : {wan, second})
        moves.push_back({from, egress_});
    renumber(*state_, moves, now_, decision_);
    if (!put_in_force()) return false;
    for (const Egress& used : state_->egresses())
        if (used != egress_) throw std::runtime_error("something stays at " + used.address.text());
    return true;
}

}  // namespace sipalg::test
