// The checks after every step, and at the end.
#include <algorithm>
#include <stdexcept>

#include "alg/core/report.hpp"
#include "tests/cases/invariants.hpp"
#include "tests/model/setting.hpp"
#include "tests/unit/packets.hpp"

namespace sipalg::model {

namespace {

constexpr Time longest_timeout{601'000};  // of the elements of a call
constexpr Time linger_time{180'000};      // of mappings without a call

std::string shown(const Hole& hole) {
    return hole.remote.text() + " > " + hole.inside.text();
}

}  // namespace

// S4: a message that goes out and comes back must have its original bytes. This only tests the translation:
// its changes are cancelled.
void World::check_out_and_in(const Message& message) {
    if (message.from != Side::inside) return;
    Decision back;
    const auto bytes = test::udp_packet(message.destination.text(), message.source.text(), message.got);
    inspect(state_, Arrival{Side::outside, bytes, egress()}, now_, back);
    state_.cancel();
    if ((back.rewritten ? back.payload : message.got) != message.text)
        throw std::runtime_error("S4: on its way back the message is another:\n" + back.payload);
}

// A3: the kernel must translate to exactly the endpoints in the description.
void World::check_ports(const Message& message) const {
    if (message.from != Side::inside || message.role == Role::none || !message.followed ||
        !message.comparable)
        return;
    const std::vector<std::uint16_t> written = media_ports(message.got);
    for (std::size_t i = 0; i < written.size(); ++i) {
        const Line& line = (*message.description)[i];
        if (!line.open() || line.host.is_unspecified()) continue;
        const Mapping mapping{Transport::udp, {line.host, line.port}, {wan, written[i]}};
        const bool wanted = reference_.expected(now_).must_map.contains(mapping.inside);
        if (wanted && !kernel_.elements().contains(mapping))
            throw std::runtime_error("A3: " + mapping.inside.text() + " is written as " +
                                     mapping.outside.text() + ", which the kernel does not map");
    }
}

void World::check() {
    const Expected expected = reference_.expected(now_);
    std::map<Endpoint, Endpoint> inside_of;
    std::set<Endpoint> mapped;
    for (const auto& [element, until] : kernel_.elements())
        if (const auto* mapping = std::get_if<Mapping>(&element)) {
            inside_of[mapping->outside] = mapping->inside;
            mapped.insert(mapping->inside);
            const bool signalling = is_signalling(mapping->inside);
            const auto left_over = left_over_.find(mapping->inside);
            const bool left = left_over != left_over_.end() && left_over->second > now_;
            if (signalling || left || expected.may_map.contains(mapping->inside))
                unused_since_.erase(mapping->inside);
            else if (unused_since_.try_emplace(mapping->inside, now_).first->second + linger_time < now_)
                throw std::runtime_error("C6: still mapped: " + mapping->inside.text());
            if (!signalling && until > now_ + longest_timeout)
                throw std::runtime_error("X8: mapped for too long: " + mapping->inside.text());
        }
    std::erase_if(unused_since_, [&](const auto& entry) { return !mapped.contains(entry.first); });
    std::set<Hole> open;
    for (const auto& [element, until] : kernel_.elements())
        if (const auto* pinhole = std::get_if<Pinhole>(&element)) {
            const auto inside = inside_of.find(pinhole->outside);
            if (inside == inside_of.end()) throw std::runtime_error("a pinhole leads nowhere");
            const Hole hole{inside->second, pinhole->remote};
            open.insert(hole);
            const bool registered = hole.inside == phones[0] && hole.remote == peers[0].address;
            if (!registered && !expected.may.contains(hole))
                throw std::runtime_error("open without reason: " + shown(hole));
            if (!registered && until > now_ + longest_timeout)
                throw std::runtime_error("X8: open for too long: " + shown(hole));
        }
    for (const Hole& hole : expected.must)
        if (!open.contains(hole)) throw std::runtime_error("not open: " + shown(hole));
    for (const Endpoint& endpoint : expected.must_map)
        if (!mapped.contains(endpoint)) throw std::runtime_error("not mapped: " + endpoint.text());
    test::check_invariants(state_, kernel_, now_);
}

void World::finish() {
    tell("the end: the phone unregisters, nobody says anything more");
    register_phone(phones[0], 2, 0);
    flight_.clear();
    behind_.clear();
    for (const auto& [number, conversation] : conversations_)
        silent_[number] = true;
    conversations_.clear();
    advance(Time{3 * 3'600'000});
    const Totals left = totals(state_);
    if (left.calls || left.bindings || left.mappings || left.pinholes || !kernel_.elements().empty())
        throw std::runtime_error("something is left: " + std::to_string(left.calls) + " calls, " +
                                 std::to_string(left.mappings) + " mappings, " +
                                 std::to_string(left.pinholes) + " pinholes");
    now_ += Time{Seconds{registration_s}};  // the binding may still have its earlier deadline
    expire_due();
    if (!state_.scan.idle() || state_.next_deadline()) throw std::runtime_error("something is waited for");
    check_room();
}

// X7: the counts of a phone are zero again, so it can use its whole share.
void World::check_room() {
    for (const Endpoint& phone : phones)
        for (std::size_t i = 0; i <= call_ceiling; ++i) {
            Message message;
            message.call = calls_ + 1 + static_cast<int>(i);
            message.method = "INVITE";
            message.source = phone;
            message.destination = peers[0];
            message.from_tag = "c";
            message.cseq = 1;
            message.offer = 1;
            message.description.emplace();
            for (std::size_t line = 0; line < room_lines; ++line) {
                const auto port = static_cast<std::uint16_t>(17000 + 2 * (i * room_lines + line));
                message.description->push_back({Line::Kind::audio, port, 0, {}, false, phone.address});
            }
            write_request(message, "sip:b@example.com", ++post_.branches);
            inspected(Side::inside, phone, peers[0], message.text);
            put_in_force();
            const bool full = decision_.reason == Reason::limit_reached;
            if (full != (i == call_ceiling))
                throw std::runtime_error("X7: " + phone.text() + " has room for " + std::to_string(i) +
                                         " calls or more, not " + std::to_string(call_ceiling));
        }
}

}  // namespace sipalg::model
