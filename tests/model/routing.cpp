// The handling of packets, time and media in the router.
#include <algorithm>
#include <cctype>
#include <stdexcept>

#include "tests/model/setting.hpp"
#include "tests/unit/packets.hpp"

namespace sipalg::model {

namespace {

constexpr Time conntrack_time{120'000};
constexpr Time unfollowed_time{186'000};  // as signalling, and the kernel counts seconds
constexpr Time slice{40'000};             // between scans

Policy policy() {
    Policy policy;
    policy.silence = std::chrono::duration_cast<Seconds>(Reference::silence);
    policy.hold = std::chrono::duration_cast<Seconds>(Reference::hold);
    policy.max_calls_per_phone = call_ceiling;
    policy.max_calls_per_peer = call_ceiling * phones.size();  // check_room() uses all of them
    policy.max_unanswered_per_phone = unanswered_ceiling;
    policy.max_mappings_per_phone = call_ceiling * room_lines * 2 + 1;
    return policy;
}

}  // namespace

State& start(std::optional<State>& state) {
    state.emplace(policy());
    state->set_own_addresses({wan, *Address::parse("192.168.1.1")});
    return *state;
}

bool World::pass(Message& message, bool refuse) {
    ++packets_;
    const bool again = !message.got.empty();
    tell(std::string(message.from == Side::inside ? "phone ----> " : "      <---- ") + shown(message) +
         (again ? " (again)" : "") + (refuse ? " (kernel refuses)" : ""));
    if (!reaches_phone(message)) {
        tell("    does not get in");
        return false;
    }
    const std::string result = inspected(message.from, message.source, message.destination, message.text);
    const bool refused = refuse && !decision_.changes.empty();
    if (established_) reference_.answer(message.destination.address, message.source.address, refused, now_);
    if (refused) {
        state_.cancel();
        return false;
    }
    put_in_force();
    if (decision_.reason == Reason::limit_reached) throw std::runtime_error("X7: a table is said to be full");
    // A message of an unknown call passes unmodified until the call is known.
    const bool comparable = message.followed && message.comparable && reference_.alive(message.call);
    if (again && comparable && result != message.got && message.got_at + retransmission_time > now_)
        throw std::runtime_error("C10: a retransmission is written in another way:\n" + result + "\nnot\n" +
                                 message.got);
    const bool followed = reference_.pass(message, now_);
    allow_unfollowed(message);
    if (again) return true;
    message.followed = followed;
    message.got = result;
    message.got_at = now_;
    check_out_and_in(message);
    check_ports(message);
    history_.push_back(message);
    if (history_.size() > 64) history_.erase(history_.begin());
    return true;
}

// A description that a phone sends in an unknown dialog, or that its call does not take (C1), is mapped for a
// while, so that public addresses can be written into it (A3).
void World::allow_unfollowed(const Message& message) {
    if (message.from != Side::inside || !message.description || message.status >= 300) return;
    const std::set<Endpoint> taken = reference_.expected(now_).may_map;
    for (const Line& line : *message.description)
        for (const std::uint16_t port : {line.port, line.rtcp_port()}) {
            const Endpoint endpoint{message.source.address, port};
            if (!taken.contains(endpoint)) left_over_[endpoint] = now_ + unfollowed_time;
        }
}

// A packet from outside needs a pinhole, or a flow that the phone began.
bool World::reaches_phone(const Message& message) {
    if (message.from == Side::inside) {
        flows_[{message.source, message.destination.address}] = now_;
        return true;
    }
    const std::string way = message.is_request() ? message.text.substr(0, message.text.find('\r'))
                                                 : header_lines(message.text, "Via");
    for (const auto& [element, until] : kernel_.elements()) {
        const auto* mapping = std::get_if<Mapping>(&element);
        if (!mapping || mapping->inside != message.destination) continue;
        const std::size_t at = way.find(mapping->outside.text());
        if (at == std::string::npos ||
            std::isdigit(static_cast<unsigned char>(way[at + mapping->outside.text().size()])))
            return false;
        const auto flow = flows_.find({message.destination, message.source.address});
        return (flow != flows_.end() && flow->second + conntrack_time > now_) ||
               kernel_.elements().contains(Pinhole{Transport::udp, message.source.address, mapping->outside});
    }
    return false;
}

std::string World::inspected(Side from, const Endpoint& source, const Endpoint& destination,
                             const std::string& text) {
    const auto bytes = test::udp_packet(source.text(), destination.text(), text);
    Arrival arrival{from, bytes, egress()};
    established_ = conntrack_.pass(arrival, now_).established;
    inspect(state_, arrival, now_, decision_);
    if (!decision_.asked.empty()) throw std::runtime_error("conntrack is asked for what nobody hides");
    return decision_.rewritten ? decision_.payload : text;
}

void World::put_in_force() {
    for (const Change& change : decision_.changes)
        if (change.op != Change::Op::remove && change.timeout < Seconds{1})
            throw std::runtime_error("X8: an element without a timeout");
    kernel_.apply(decision_.changes, now_);
    state_.commit();
}

void World::advance(Time time) {
    tell("..... " + std::to_string(time.count()) + " ms go by");
    if (time >= Time{4000}) flight_.clear(), behind_.clear();
    for (const Time end = now_ + time; now_ < end;) {
        const Time until = std::min(end, now_ + slice);
        for (int i = 0;; ++i) {
            if (i > 5000) throw std::runtime_error("deadlines do not come to an end");
            const auto due = state_.next_deadline();
            if (!due || *due > until) break;
            now_ = std::max(now_, *due);
            expire_due();
            reference_.time_passes(now_);
            // Follow-up work of an entry that has just ended is done a millisecond later.
            const auto next = state_.next_deadline();
            if (!next || *next > now_ + Time{2}) check();
        }
        now_ = until;
        expire_due();
        reference_.time_passes(now_);
        scan();
        check();
    }
    for (auto& [number, conversation] : conversations_)
        conversation->time_passes(now_);
}

void World::expire_due() {
    kernel_.expire(now_);
    for (int i = 0; i < 100; ++i) {
        const auto due = state_.next_deadline();
        if (!due || *due > now_) return;
        expire(state_, now_, decision_);
        put_in_force();
    }
    throw std::runtime_error("deadlines do not come to an end");
}

// Media flow through every pinhole of calls that have media.
void World::scan() {
    std::set<Endpoint> heard;
    state_.scan.begin(now_);
    for (const auto& [number, conversation] : conversations_) {
        if (silent_[number] || !reference_.alive(number)) continue;
        for (const Endpoint& endpoint : reference_.media_of(number, now_))
            heard.insert(endpoint);
    }
    std::vector<ConntrackEntry> flows;
    for (const auto& [element, until] : kernel_.elements())
        if (const auto* mapping = std::get_if<Mapping>(&element);
            mapping && heard.contains(mapping->inside)) {
            const Endpoint remote{Address::v4(0xCB00710B), 40000};
            flows.push_back({mapping->transport, mapping->inside, remote, remote, mapping->outside,
                             Seconds{0}, true, false, 0, 0});
        }
    std::set<Endpoint> mapped;
    for (const ConntrackEntry& flow : flows) {
        mapped.insert(flow.original_source);
        const auto left_over = left_over_.find(flow.original_source);
        if (left_over != left_over_.end() && left_over->second > now_)
            left_over->second = now_ + unfollowed_time;
        static_cast<void>(state_.scan.entry(flow, now_));
    }
    state_.scan.end();
    reference_.hear(mapped, now_);
}

std::string World::register_phone(const Endpoint& phone, unsigned number, std::uint32_t expires) {
    Message request;
    request.from = Side::inside;
    request.source = phone;
    request.destination = peers[0];
    const std::string common =
        "\r\nFrom: <sip:a@example.com>;tag=r\r\nTo: <sip:a@example.com>\r\nCall-ID: register\r\n"
        "CSeq: " +
        std::to_string(number) + " REGISTER\r\n";
    const std::string text = "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP " + phone.text() +
                             ";branch=z9hG4bKr" + std::to_string(number) + common + "Contact: <sip:x@" +
                             phone.text() + ">\r\nExpires: " + std::to_string(expires) +
                             "\r\nContent-Length: 0\r\n\r\n";
    const std::string out = inspected(Side::inside, phone, peers[0], text);
    put_in_force();
    std::string contact = header_uri(out, "Contact");
    const std::string answer =
        "SIP/2.0 200 OK\r\n" + header_lines(out, "Via") + header_lines(out, "From") +
        "To: <sip:a@example.com>;tag=x\r\n" + header_lines(out, "Call-ID") + header_lines(out, "CSeq") +
        (expires ? "Contact: <" + contact + ">;expires=" + std::to_string(expires) + "\r\n" : "") +
        "Content-Length: 0\r\n\r\n";
    inspected(Side::outside, peers[0], phone, answer);
    put_in_force();
    return contact;
}

}  // namespace sipalg::model
