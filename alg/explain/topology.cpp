#include "alg/explain/topology.hpp"

#include <algorithm>

#include "alg/sdp/description.hpp"
#include "alg/sip/message.hpp"
#include "alg/sip/splitter.hpp"

namespace sipalg::explain {

namespace {

// Used as the router's address if the capture does not show it (RFC 5737).
constexpr std::uint32_t stand_in = 0xCB007101;  // 203.0.113.1

bool looks_like_sip(std::string_view payload) {
    return payload.size() > 12 && sip::classify_datagram(payload) == sip::Kind::message;
}

bool any_contains(const std::vector<Prefix>& prefixes, const Address& address) {
    return std::any_of(prefixes.begin(), prefixes.end(),
                       [&](const Prefix& prefix) { return prefix.contains(address); });
}

std::string list(const std::set<Address>& addresses) {
    std::string text;
    std::size_t count = 0;
    for (const Address& address : addresses) {
        if (++count > 8) return text + ", ...";
        text += (text.empty() ? "" : ", ") + address.text();
    }
    return text;
}

/// The endpoints of RTP and RTCP of each stream. `description` is only working space.
std::vector<Endpoint> streams_of(const sip::Message& message, sdp::Description& description) {
    std::vector<Endpoint> streams;
    if (message.body().empty() || !description.parse(message.body())) return streams;
    for (const sdp::Media& media : description.media()) {
        const Address address = description.connection(media).address.value_or(Address());
        const auto next = static_cast<std::uint16_t>(media.port + 1);
        streams.push_back({address, media.port});
        streams.push_back({address, media.rtcp ? media.rtcp->port : next});
    }
    return streams;
}

}  // namespace

Topology::Topology(const capture::Packets& capture, const Hints& hints) : recorded_(capture.has_sides) {
    read_messages(capture);
    if (!hints.inside.empty()) {
        for (const auto& [pair, leg] : legs_)
            for (const Address& end : {pair.first, pair.second})
                if (any_contains(hints.inside, end)) inside_.insert(end);
        if (hints.outside) routers_.insert(*hints.outside);
        find_copies();
    } else {
        if (hints.outside) routers_.insert(*hints.outside);
        if (capture.has_sides) note_sides(capture);
        find_copies();
        find_router();
        choose_phones();
    }
    find_outside_address(hints);
    pair_copies();
    explain_choice(hints, capture);
}

void Topology::read_messages(const capture::Packets& capture) {
    for (const capture::CapturedPacket& packet : capture.packets) {
        const std::string_view payload = packet.packet.payload;
        if (looks_like_sip(payload)) read_message(packet, payload);
        if (packet.packet.transport != Transport::tcp) continue;
        for (const std::string& message : tcp_messages_.take(packet))
            if (message != payload) read_message(packet, message);
    }
}

// `bytes` is a whole message, or a segment in which one begins.
void Topology::read_message(const capture::CapturedPacket& packet, std::string_view bytes) {
    const Packet& p = packet.packet;
    sip_sockets_.insert({p.transport, p.source});
    sip_sockets_.insert({p.transport, p.destination});
    if (p.transport == Transport::tcp) {
        sip_connections_.insert({p.source, p.destination});
        sip_connections_.insert({p.destination, p.source});
    }
    Leg& leg = legs_[{p.source.address, p.destination.address}];
    const sip::ParseError error = message_.parse(bytes);
    // The head of a message that continues in other segments can be read.
    if (error != sip::ParseError::none && error != sip::ParseError::truncated) return;
    const bool request = message_.is_request();
    if (request && leg.first_request == 0) leg.first_request = packet.frame;
    if (request && message_.method() == sip::Method::register_) leg.registers = true;
    Copy copy{p.transport, p.source, p.destination, packet.frame, {}, streams_of(message_, description_)};
    const sip::Via& via = message_.top_via();
    if (request && via.sent_by.address) copy.sent_by = *via.sent_by.address;
    if (!request)
        if (const auto received = via.received ? Address::parse(*via.received) : std::nullopt;
            received && !received->is_private())
            if (*received != p.destination.address) seen_as_.insert(*received);
    std::string identity(message_.call_id());
    identity += '\n' + std::to_string(message_.cseq().number) + ' ' + std::string(message_.method_name()) +
                ' ' + std::to_string(message_.status()) + ' ' + std::string(via.branch) + ' ' +
                std::string(message_.to_tag());
    auto& copies = copies_[identity];
    // The end of a message on TCP completes what its first segment has shown.
    for (Copy& known : copies)
        if (p.transport == Transport::tcp && known.source == copy.source &&
            known.destination == copy.destination)
            known.media = copy.media;
    if (copies.size() < 64) copies.push_back(copy);
}

// In a recording the names of the interfaces show it: peers are on both, phones only inside, the router's
// address only outside.
void Topology::note_sides(const capture::Packets& capture) {
    std::set<Address> in, out;
    for (const capture::CapturedPacket& packet : capture.packets) {
        std::set<Address>& side = packet.interface_name == "outside" ? out : in;
        side.insert(packet.packet.source.address);
        side.insert(packet.packet.destination.address);
    }
    for (const Address& address : in)
        if (!out.contains(address)) inside_.insert(address);
    for (const Address& address : out)
        if (!in.contains(address)) routers_.insert(address);
    // Routed phones (N2) are the same on both sides.
    for (const capture::CapturedPacket& packet : capture.packets) {
        const Packet& p = packet.packet;
        if (packet.interface_name != "inside" || inside_.contains(p.source.address) ||
            inside_.contains(p.destination.address))
            continue;
        const auto there = legs_.find({p.source.address, p.destination.address});
        const auto back = legs_.find({p.destination.address, p.source.address});
        const auto begins = [&](auto leg) {
            return leg == legs_.end() || leg->second.first_request == 0 ? ~0ULL : leg->second.first_request;
        };
        inside_.insert(begins(there) <= begins(back) ? p.source.address : p.destination.address);
    }
}

// Two copies of a message that have one end in common: the other ends are a phone and the router.
void Topology::find_copies() {
    for (const auto& [identity, copies] : copies_)
        for (std::size_t i = 0; i < copies.size() && i < 8; ++i)
            for (std::size_t k = i + 1; k < copies.size() && k < 8; ++k) {
                const bool outward = copies[i].destination == copies[k].destination;
                const bool inward = copies[i].source == copies[k].source;
                if (outward == inward) continue;
                const Address a = outward ? copies[i].source.address : copies[i].destination.address;
                const Address b = outward ? copies[k].source.address : copies[k].destination.address;
                if (a == b) continue;
                const bool a_inside = inside_.contains(a) || (a.is_private() && !b.is_private());
                const bool b_inside = inside_.contains(b) || (b.is_private() && !a.is_private());
                if (a_inside == b_inside) continue;
                inside_.insert(a_inside ? a : b);
                routers_.insert(a_inside ? b : a);
            }
}

// A capture of the outside alone: a public host that writes a private address into its own Via.
void Topology::find_router() {
    for (const auto& [identity, copies] : copies_)
        for (const Copy& copy : copies) {
            const Address& sender = copy.source.address;
            if (sender.is_private() || !copy.sent_by.is_private() || inside_.contains(sender)) continue;
            routers_.insert(sender);
            inside_.insert(copy.sent_by);
        }
}

void Topology::choose_phones() {
    std::set<Address> peers;
    std::vector<std::pair<std::uint64_t, Pair>> open;  // by the frame of the first request
    for (const auto& [pair, leg] : legs_) {
        const auto& [a, b] = pair;
        if (a == b) continue;  // within a host
        if (is_router(a) || is_router(b)) {
            peers.insert(is_router(a) ? b : a);
        } else if (inside_.contains(a) != inside_.contains(b)) {
            peers.insert(inside_.contains(a) ? b : a);
        } else if (a.is_private() != b.is_private()) {
            inside_.insert(a.is_private() ? a : b);
            peers.insert(a.is_private() ? b : a);
        } else if (leg.registers) {
            inside_.insert(a);
            peers.insert(b);
        } else {
            open.emplace_back(leg.first_request == 0 ? ~0ULL : leg.first_request, pair);
        }
    }
    for (const Address& peer : peers)
        if (!is_router(peer) && inside_.size() > 1) inside_.erase(peer);
    std::sort(open.begin(), open.end());
    for (const auto& [frame, pair] : open) {
        const auto& [a, b] = pair;
        const bool a_known = inside_.contains(a) || peers.contains(a);
        const bool b_known = inside_.contains(b) || peers.contains(b);
        if (a_known && b_known) continue;
        chosen_by_order_ = true;
        if (a_known || b_known) {
            const Address& known = a_known ? a : b;
            const Address& other = a_known ? b : a;
            (peers.contains(known) ? inside_ : peers).insert(other);
        } else {
            inside_.insert(a);
            peers.insert(b);
        }
    }
}

void Topology::find_outside_address(const Hints& hints) {
    const auto v4 = [](const std::set<Address>& set) {
        const auto it = std::find_if(set.begin(), set.end(), [](const Address& one) { return one.is_v4(); });
        return it == set.end() ? Address() : *it;
    };
    outside_ = hints.outside ? *hints.outside : v4(routers_);
    if (outside_) {
        outside_guessed_ = !hints.outside;
        return;
    }
    std::set<Address> candidates;
    for (const Address& address : seen_as_)
        if (!inside_.contains(address) && !sip_sockets_.contains({Transport::udp, {address, 5060}}))
            candidates.insert(address);
    outside_ = v4(candidates);
    outside_guessed_ = static_cast<bool>(outside_);
    outside_invented_ = !outside_;
    if (!outside_) outside_ = Address::v4(stand_in);
}

void Topology::pair_copies() {
    for (const auto& [identity, copies] : copies_)
        for (const Copy& copy : copies) {
            const bool from_router = is_router(copy.source.address);
            if (!from_router && !is_router(copy.destination.address)) continue;
            const Endpoint& router = from_router ? copy.source : copy.destination;
            const Endpoint& peer = from_router ? copy.destination : copy.source;
            bool twin = false;
            for (const Copy& other : copies) {
                const Endpoint& phone = from_router ? other.source : other.destination;
                if (other.transport != copy.transport || !inside_.contains(phone.address)) continue;
                if ((from_router ? other.destination : other.source) != peer) continue;
                pair(copy, other);
                twin = true;
                break;
            }
            // Without a copy, a request's own Via names the phone.
            if (!twin && from_router && copy.sent_by && inside_.contains(copy.sent_by))
                phones_.insert({router, {copy.sent_by, router.port}});
        }
}

void Topology::pair(const Copy& outside, const Copy& inside) {
    const bool outward = is_router(outside.source.address);
    const Endpoint& router = outward ? outside.source : outside.destination;
    const Endpoint& phone = outward ? inside.source : inside.destination;
    phones_.insert({router, phone});
    // In a recording, both copies have the ports that the core chooses, and no TCP.
    const bool tcp = !recorded_ && outside.transport == Transport::tcp;
    const bool other_port = !recorded_ && router.port != phone.port;
    if (tcp) doubled_.insert(router);
    const bool use_inside = outward || tcp || other_port;
    unused_.insert(use_inside ? outside.frame : inside.frame);
    shows_as_arrived_ = shows_as_arrived_ || (use_inside && !outward);
    if (!outward || outside.media.size() != inside.media.size()) return;
    for (std::size_t i = 0; i < outside.media.size(); ++i)
        if (is_router(outside.media[i].address) && inside_.contains(inside.media[i].address))
            phones_.insert({outside.media[i], inside.media[i]});
}

std::optional<Endpoint> Topology::phone_behind(const Endpoint& router) const {
    const auto it = phones_.find(router);
    if (it != phones_.end()) return it->second;
    return std::nullopt;
}

std::optional<Oriented> Topology::orient(const capture::CapturedPacket& captured) const {
    const Packet& packet = captured.packet;
    const bool source_inside = inside_.contains(packet.source.address);
    const bool destination_inside = inside_.contains(packet.destination.address);
    if (unused_.contains(captured.frame)) return std::nullopt;
    if (packet.transport == Transport::tcp &&
        (doubled_.contains(packet.source) || doubled_.contains(packet.destination)))
        return std::nullopt;
    if (source_inside && destination_inside) return std::nullopt;
    if (source_inside && !is_router(packet.destination.address))
        return Oriented{Side::inside, packet.source, packet.destination, false};
    if (destination_inside && !is_router(packet.source.address))
        return Oriented{Side::outside, packet.destination, packet.source, false};
    const bool from_router = is_router(packet.source.address),
               to_router = is_router(packet.destination.address);
    if (from_router == to_router || source_inside || destination_inside) return std::nullopt;
    const Endpoint& router = from_router ? packet.source : packet.destination;
    const Endpoint& peer = from_router ? packet.destination : packet.source;
    // A router without a known host behind it is treated as a phone that handles NAT itself.
    const Endpoint phone = phone_behind(router).value_or(router);
    return Oriented{from_router ? Side::inside : Side::outside, phone, peer, true};
}

bool Topology::is_signalling(const Packet& packet) const {
    if (packet.transport == Transport::tcp)
        return sip_connections_.contains({packet.source, packet.destination});
    if (looks_like_sip(packet.payload)) return true;
    return sip_sockets_.contains({Transport::udp, packet.source}) &&
           sip_sockets_.contains({Transport::udp, packet.destination});
}

std::vector<std::uint16_t> Topology::sip_ports() const {
    std::set<std::uint16_t> ports{5060};
    for (const Socket& socket : sip_sockets_)
        if (!inside_.contains(socket.endpoint.address) && !is_router(socket.endpoint.address) &&
            socket.endpoint.port < 32768)
            ports.insert(socket.endpoint.port);
    return {ports.begin(), ports.end()};
}

void Topology::explain_choice(const Hints& hints, const capture::Packets& capture) {
    for (const capture::CapturedPacket& packet : capture.packets) {
        const auto way = orient(packet);
        if (!way) continue;
        (way->as_outside ? sees_outside_ : sees_inside_) = true;
    }
    if (legs_.empty()) {
        notes_.push_back("there is no SIP in this capture");
        return;
    }
    if (hints.inside.empty())
        notes_.push_back("guessed that " + (inside_.empty() ? "nothing" : list(inside_)) +
                         (inside_.size() > 1 ? " are" : " is") + " inside" +
                         (chosen_by_order_ ? ", judging by the first request" : "") +
                         " (--inside NET overrides this)");
    if (inside_.empty()) notes_.push_back("no host is inside: nothing crosses the router");
    const bool translated = std::any_of(inside_.begin(), inside_.end(),
                                        [](const Address& one) { return one.is_v4() && one.is_private(); });
    if (translated && outside_invented_)
        notes_.push_back("the capture does not show the router's outside address; " + outside_.text() +
                         " is used in its place (--outside ADDR overrides this)");
    else if (translated && outside_guessed_)
        notes_.push_back("guessed that the router's outside address is " + outside_.text() +
                         " (--outside ADDR overrides this)");
    if (shows_as_arrived_)
        notes_.push_back(
            "the router's ports are not those of the phones, or messages come over TCP: messages to phones "
            "are "
            "shown as they arrived there");
    else if (translated && sees_inside_ && !sees_outside_)
        notes_.push_back("captured inside the router: messages to phones are shown as they arrived there");
}

}  // namespace sipalg::explain
