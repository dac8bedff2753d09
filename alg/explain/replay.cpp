#include <algorithm>
#include <set>

#include "alg/core/door.hpp"
#include "alg/core/static_phones.hpp"
#include "alg/explain/conversations.hpp"
#include "alg/explain/explanation.hpp"
#include "alg/explain/media_flows.hpp"
#include "alg/facts/collector.hpp"
#include "alg/net/checksum.hpp"

// Theory of operation. The core of the daemon gets the packets of the capture with their times, and deadlines
// come between them. It edits nothing (Policy::edits), so the sequence numbers of TCP connections stay those
// of the capture; the edits that it would have made are in the facts. The core does not get media packets.
// They are compared with its open pinholes, and reported to it as by conntrack.

namespace sipalg::explain {

namespace {

constexpr Time begin_time{1'000'000'000};
constexpr Time longest_gap{std::chrono::hours(24)};
constexpr std::size_t most_deadlines = 2'000'000;  // of a whole replay: later ones are ignored
class Replay {
  public:
    Replay(const capture::Packets& capture, const Hints& hints)
        : capture_(capture), topology_(capture, hints), state_(policy()), conversations_(result_) {
        state_.explain(true);
        if (!topology_.inside().empty()) state_.set_own_addresses({topology_.outside()});
    }

    Explanation run() {
        result_.frames = capture_.frames;
        result_.unread = capture_.unread;
        result_.unread_count = capture_.unread_count;
        result_.outside = topology_.outside().text();
        for (const Address& address : topology_.inside())
            result_.inside.push_back(address.text());
        result_.notes = topology_.notes();
        if (!capture_.packets.empty()) first_us_ = result_.began_us = capture_.packets.front().time_us;
        for (const capture::CapturedPacket& packet : capture_.packets) {
            advance_to(packet.time_us);
            if (const auto way = topology_.orient(packet)) take(packet, *way);
        }
        result_.length_s = seconds(now_);
        for (Conversation& conversation : result_.conversations)
            judge(conversation, result_.media_packets > 0);
        return std::move(result_);
    }

  private:
    Policy policy() const {
        Policy policy;
        policy.sip_ports = topology_.sip_ports();
        policy.edits = false;
        // In a recording, the daemon saw the same signs of NAT handling by the peer; in other captures the
        // peer answers messages of another router.
        policy.treatments.mode = capture_.has_sides ? Mode::automatic : Mode::rewrite;
        policy.sees_flows = has_media();
        if (!policy.sees_flows) policy.silence = policy.hold;
        return policy;
    }

    // Whether there is UDP that is neither signalling nor between unknown hosts.
    bool has_media() const {
        return std::any_of(capture_.packets.begin(), capture_.packets.end(),
                           [&](const capture::CapturedPacket& packet) {
                               return is_media(packet.packet) && topology_.orient(packet);
                           });
    }
    bool is_media(const Packet& packet) const {
        return packet.transport == Transport::udp && packet.source.port >= 1024 &&
               packet.destination.port >= 1024 && !topology_.is_signalling(packet);
    }
    double seconds(Time time) const { return static_cast<double>((time - begin_time).count()) / 1000.0; }
    double at_s() const { return seconds(now_); }

    Egress egress(const Address& phone) const {
        const Address& shown = state_.policy.treatments.is_translated(phone) ? topology_.outside() : phone;
        return {shown, shown};
    }

    void advance_to(std::int64_t time_us) {
        // A clock that was set back must not move the core's time back.
        const std::int64_t gap_ms = std::clamp<std::int64_t>(
            (time_us - std::max(latest_us_, first_us_)) / 1000, 0, longest_gap.count());
        if (gap_ms > 0 || latest_us_ == 0) latest_us_ = std::max(latest_us_, time_us);
        const Time until = now_ + Time{gap_ms};
        for (;;) {
            const auto next = state_.next_deadline();
            if (!next || *next > until || ++deadlines_ > most_deadlines) break;
            now_ = std::max(now_, *next);
            expire(state_, now_, decision_);
            state_.commit();
            conclude(state_, true, now_, decision_);
            finish(0);
        }
        now_ = until;
        if (now_ >= next_scan_ && state_.scan.wanted(now_)) {
            next_scan_ = now_ + Time{1000};
            scan();
        }
    }

    void scan() {
        state_.scan.begin(now_);
        media_.remove_if([&](const MediaFlows::FlowId& id, const MediaFlow& flow) {
            const nat::MappingEntry* entry = state_.mappings.find(
                nat::MappingKey{{Transport::udp, id.first}, egress(id.first.address).address});
            if (!entry) return now_ - flow.last > Time{180'000};
            ConntrackEntry seen;
            const Endpoint& outside = entry->mapping.outside;
            seen.original_source = flow.phone_began ? id.first : id.second;
            seen.original_destination = flow.phone_began ? id.second : outside;
            seen.reply_source = flow.phone_began ? id.second : id.first;
            seen.reply_destination = flow.phone_began ? outside : id.second;
            seen.idle = std::chrono::duration_cast<Seconds>(now_ - flow.last);
            seen.counted = true;
            seen.original_packets = flow.phone_began ? flow.from_phone : flow.to_phone;
            seen.reply_packets = flow.phone_began ? flow.to_phone : flow.from_phone;
            seen.replied = seen.reply_packets > 0;
            return state_.scan.entry(seen, now_);
        });
        for (const Event& event : state_.scan.end())
            add(facts::Fact{now_, false, event}, 0);
    }

    void take(const capture::CapturedPacket& packet, const Oriented& way) {
        if (topology_.is_signalling(packet.packet))
            signalling(packet, way);
        else if (is_media(packet.packet))
            media(way);
    }

    void signalling(const capture::CapturedPacket& packet, const Oriented& way) {
        const bool outward = way.from == Side::inside;
        bytes_.assign(packet.bytes.begin(), packet.bytes.end());
        set_ends(packet.packet, outward ? way.phone : way.peer, outward ? way.peer : way.phone);
        if (!outward) take_as_registered(way, packet);
        Arrival arrival(way.from, bytes_, egress(way.phone.address), false, ++token_);
        arrival.established = is_established(packet.packet.transport, way);
        inspect(state_, arrival, now_, decision_);
        if (!decision_.asked.empty()) {
            state_.cancel();
            scan();
            arrival.answered = true;
            inspect(state_, arrival, now_, decision_);
        }
        const bool lost = decision_.reason == Reason::unread_stream && !packet.packet.payload.empty();
        state_.commit();
        if (decision_.stream) conclude(state_, true, now_, decision_);
        if (lost && unread_streams_.insert({way.phone, way.peer}).second)
            conversations_.note(
                "frame " + std::to_string(packet.frame) + ": the TCP connection between " + way.phone.text() +
                " and " + way.peer.text() +
                (topology_.has_begin(packet.packet)
                     ? " lacks a segment in the capture, so the messages after it are not read"
                     : " began before the capture, so its messages are not read"));
        finish(packet.frame);
    }

    // X11: as conntrack would say of a packet from outside, with the flows from before the capture.
    bool is_established(Transport transport, const Oriented& way) {
        const std::pair<Socket, Endpoint> flow{{transport, way.phone}, way.peer};
        if (way.from == Side::inside) sent_.insert(flow);
        return way.from == Side::outside && (sent_.contains(flow) || shown_.contains(way.phone));
    }

    // Most captures begin after the phones have registered: without this, a request to an endpoint that has
    // sent nothing yet would begin no call (X3).
    void take_as_registered(const Oriented& way, const capture::CapturedPacket& packet) {
        const Transport transport = packet.packet.transport;
        const Egress here = egress(way.phone.address);
        if (state_.mappings.find(nat::MappingKey{{transport, way.phone}, here.address})) return;
        const StaticPhone phone{{transport, way.phone}, here};
        map_static_phones(state_, {&phone, 1}, now_, decision_);
        state_.commit();
        if (shown_.insert(way.phone).second)
            conversations_.note("frame " + std::to_string(packet.frame) +
                                ": the capture has no earlier message of " + way.phone.text() +
                                "; it is assumed to be registered");
    }

    // Writes the ends that the inside edge sees into the copy of the packet; nothing looks at its checksums.
    void set_ends(const Packet& packet, const Endpoint& source, const Endpoint& destination) {
        const std::size_t size = packet.source.address.size();
        if (source.address.size() != size || destination.address.size() != size) return;
        const std::size_t at = size == 4 ? 12 : 8;
        std::copy_n(source.address.bytes().begin(), size, bytes_.begin() + static_cast<std::ptrdiff_t>(at));
        std::copy_n(destination.address.bytes().begin(), size,
                    bytes_.begin() + static_cast<std::ptrdiff_t>(at + size));
        store16(bytes_, packet.ip_header, source.port);
        store16(bytes_, packet.ip_header + 2, destination.port);
    }

    void finish(std::uint64_t frame) {
        for (const ConntrackTuple& ended : decision_.ended)
            media_.forget(ended.source, ended.destination);
        facts_.clear();
        collector_.collect(state_, decision_, now_, facts_);
        for (facts::Fact& fact : facts_)
            add(std::move(fact), frame);
    }

    void add(facts::Fact fact, std::uint64_t frame) {
        if (const auto* change = std::get_if<facts::PinholeChange>(&fact.what)) media_.note(*change);
        conversations_.add(std::move(fact), frame, at_s());
    }

    // A packet of media, or of anything else that is not signalling.
    void media(const Oriented& way) {
        Endpoint inside = way.phone;
        if (way.as_outside) {
            // If both copies are in the capture, only one is used.
            if (way.from == Side::inside && topology_.sees(Side::inside)) return;
            if (const auto* entry = state_.mappings.find_outside({Transport::udp, way.phone}))
                inside = entry->mapping.inside;
        }
        if (media_.take(conversations_, way, inside, now_, at_s())) ++result_.media_packets;
    }

    const capture::Packets& capture_;
    const Topology topology_;
    State state_;
    Decision decision_;
    facts::Collector collector_;
    std::vector<facts::Fact> facts_;
    std::vector<std::uint8_t> bytes_;
    std::set<std::pair<Endpoint, Endpoint>> unread_streams_;
    std::set<std::pair<Socket, Endpoint>> sent_;  ///< flows in which a phone has sent
    std::set<Endpoint> shown_;                    ///< see take_as_registered()
    Time now_ = begin_time, next_scan_{0};
    std::int64_t first_us_ = 0, latest_us_ = 0;
    std::size_t deadlines_ = 0;
    std::uint64_t token_ = 0;
    Explanation result_;
    Conversations conversations_;
    MediaFlows media_;
};

}  // namespace

Explanation explain(Bytes file, const Hints& hints) {
    const capture::Packets capture = capture::read_packets(file);
    return Replay(capture, hints).run();
}

std::string_view word(Conversation::Kind kind) {
    switch (kind) {
        case Conversation::Kind::call: return "call";
        case Conversation::Kind::registration: return "registration";
        case Conversation::Kind::other: break;
    }
    return "other";
}

std::string_view word(Conversation::Verdict verdict) {
    switch (verdict) {
        case Conversation::Verdict::fine: return "ok";
        case Conversation::Verdict::incomplete: return "incomplete";
        case Conversation::Verdict::problem: break;
    }
    return "problem";
}

}  // namespace sipalg::explain
