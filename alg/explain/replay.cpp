#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <unordered_map>

#include "alg/core/door.hpp"
#include "alg/core/static_phones.hpp"
#include "alg/explain/explanation.hpp"
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
constexpr std::size_t most_flows = 4096;
constexpr std::size_t most_notes = 100;
constexpr std::size_t most_paths = 64;  // of one call

struct Flow {
    std::uint64_t from_phone = 0, to_phone = 0;
    bool phone_began = false;
    Time last{0};
};
using FlowId = std::pair<Endpoint, Endpoint>;  // inside, remote

class Replay {
  public:
    Replay(const capture::Packets& capture, const Hints& hints)
        : capture_(capture), topology_(capture, hints), state_(policy()) {
        state_.explain(true);
        if (!topology_.inside().empty()) state_.set_own_addresses({topology_.outside()});
        media_from_outside_ = sees_media_to_router();
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
    bool sees_media_to_router() const {
        return std::any_of(capture_.packets.begin(), capture_.packets.end(),
                           [&](const capture::CapturedPacket& packet) {
                               if (!is_media(packet.packet)) return false;
                               const auto way = topology_.orient(packet);
                               return way && way->as_outside && way->from == Side::outside;
                           });
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
        std::erase_if(flows_, [&](const auto& row) {
            const auto& [id, flow] = row;
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
            note("frame " + std::to_string(packet.frame) + ": the TCP connection between " +
                 way.phone.text() + " and " + way.peer.text() +
                 " began before the capture, so its messages are not read");
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
            note("frame " + std::to_string(packet.frame) + ": the capture has no earlier message of " +
                 way.phone.text() + "; it is assumed to be registered");
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
            std::erase_if(flows_, [&](const auto& row) {
                const auto& [inside, remote] = row.first;
                return remote == ended.source || (inside == ended.source && remote == ended.destination);
            });
        facts_.clear();
        collector_.collect(state_, decision_, now_, facts_);
        for (facts::Fact& fact : facts_)
            add(std::move(fact), frame);
    }

    void add(facts::Fact fact, std::uint64_t frame) {
        Conversation* conversation = nullptr;
        if (auto* message = std::get_if<facts::Message>(&fact.what)) {
            ++result_.messages;
            if (message->method.empty()) {
                ++result_.others[std::string(word(message->seen.reason))];
                current_.clear();
                const Reason reason = message->seen.reason;
                if (reason == Reason::malformed || reason == Reason::truncated ||
                    reason == Reason::too_many_headers)
                    note("frame " + std::to_string(frame) + ": " + std::string(sentence(reason)));
                return;
            }
            current_ = message->call_id;
            conversation = &find_or_make(*message);
            describe(*conversation, *message);
        } else if (const auto* change = std::get_if<facts::PinholeChange>(&fact.what)) {
            conversation = find(change->call_id);
            if (conversation) follow(*conversation, *change);
        } else {
            const auto& event = std::get<Event>(fact.what);
            conversation = find(event.subject);
            if (!conversation && frame != 0) conversation = find(current_);
            if (!conversation)
                note(std::string(facts::word(event.kind)) + " " + event.subject + ": " + event.detail);
        }
        if (conversation) conversation->entries.push_back({at_s(), frame, std::move(fact)});
    }

    Conversation* find(const std::string& call_id) {
        const auto it = by_call_id_.find(call_id);
        return it == by_call_id_.end() ? nullptr : &result_.conversations[it->second];
    }

    Conversation& find_or_make(const facts::Message& message) {
        if (Conversation* known = find(message.call_id)) return *known;
        by_call_id_.emplace(message.call_id, result_.conversations.size());
        Conversation& made = result_.conversations.emplace_back();
        made.call_id = message.call_id;
        made.from = message.from;
        made.to = message.to;
        return made;
    }

    static void describe(Conversation& conversation, const facts::Message& message) {
        using Kind = Conversation::Kind;
        if (message.method == "INVITE") conversation.kind = Kind::call;
        if (message.method == "REGISTER" && conversation.kind == Kind::other)
            conversation.kind = Kind::registration;
        const auto note_host = [](std::vector<Address>& all, const Address& one) {
            if (all.size() < 16 && std::find(all.begin(), all.end(), one) == all.end()) all.push_back(one);
        };
        note_host(conversation.phones, message.seen.phone.address);
        note_host(conversation.peers, message.seen.peer.address);
    }

    void follow(Conversation& conversation, const facts::PinholeChange& change) {
        const auto same = [&](const PinholeLife& life) {
            return !life.closed_s && life.pinhole.pinhole == change.pinhole.pinhole;
        };
        auto& lives = conversation.pinholes;
        const auto it = std::find_if(lives.begin(), lives.end(), same);
        if (it == lives.end())
            lives.push_back({change.pinhole, at_s(), {}, 0, 0, 0});
        else
            it->pinhole = change.pinhole;
        if (change.kind == facts::PinholeChange::Kind::closed && it != lives.end()) it->closed_s = at_s();
        if (!change.pinhole.signalling)
            owners_[change.pinhole.inside] = {conversation.call_id, change.pinhole.type, change.pinhole.rtcp};
    }

    // A packet of media, or of anything else that is not signalling.
    void media(const Oriented& way) {
        Endpoint inside = way.phone;
        if (way.as_outside) {
            // If both copies are in the capture, only one is used.
            if (way.from == Side::inside && topology_.sees(Side::inside)) return;
            if (const auto* entry = state_.mappings.find_outside({Transport::udp, way.phone}))
                inside = entry->mapping.inside;
        } else if (way.from == Side::outside && media_from_outside_) {
            return;
        }
        const auto owner = owners_.find(inside);
        if (owner == owners_.end()) return;
        Conversation* call = find(owner->second.call_id);
        if (!call) return;
        ++result_.media_packets;
        if (flows_.size() >= most_flows && !flows_.contains({inside, way.peer})) return;
        MediaPath* path = path_of(*call, owner->second, inside, way.peer);
        if (!path) return;
        path->last_s = at_s();
        if (way.from == Side::inside) {
            Flow& flow = flow_of(inside, way.peer, true);
            ++flow.from_phone;
            ++path->from_phone;
            path->phone_began = path->phone_began || flow.phone_began;
            return;
        }
        PinholeLife* life = pinhole_for(*call, inside, way.peer.address);
        const bool answer = flows_.contains({inside, way.peer});
        if (!life && !answer) {
            const bool over = std::none_of(call->pinholes.begin(), call->pinholes.end(),
                                           [](const PinholeLife& one) { return !one.closed_s; });
            ++(over ? path->refused_late : path->refused);
            return;
        }
        ++flow_of(inside, way.peer, false).to_phone;
        ++path->to_phone;
        if (!life) return;
        if (life->packets++ == 0) life->first_s = at_s();
        life->last_s = at_s();
    }

    Flow& flow_of(const Endpoint& inside, const Endpoint& remote, bool phone_began) {
        const auto [it, is_new] = flows_.try_emplace({inside, remote});
        if (is_new) it->second.phone_began = phone_began;
        it->second.last = now_;
        return it->second;
    }

    static PinholeLife* pinhole_for(Conversation& call, const Endpoint& inside, const Address& remote) {
        for (PinholeLife& life : call.pinholes)
            if (!life.closed_s && !life.pinhole.signalling && life.pinhole.inside == inside &&
                (!life.pinhole.pinhole.remote || life.pinhole.pinhole.remote == remote))
                return &life;
        return nullptr;
    }

    struct Owner {
        std::string call_id, type;
        bool rtcp = false;
    };
    MediaPath* path_of(Conversation& call, const Owner& owner, const Endpoint& inside,
                       const Endpoint& remote) {
        for (MediaPath& path : call.media)
            if (path.inside == inside && path.remote == remote) return &path;
        if (call.media.size() >= most_paths) return nullptr;
        MediaPath path;
        path.type = owner.type;
        path.rtcp = owner.rtcp;
        path.inside = inside;
        path.remote = remote;
        path.first_s = at_s();
        return &call.media.emplace_back(std::move(path));
    }

    void note(std::string text) {
        if (result_.notes.size() < most_notes) result_.notes.push_back(std::move(text));
    }

    const capture::Packets& capture_;
    const Topology topology_;
    State state_;
    Decision decision_;
    facts::Collector collector_;
    std::vector<facts::Fact> facts_;
    std::vector<std::uint8_t> bytes_;
    std::map<FlowId, Flow> flows_;
    std::map<Endpoint, Owner> owners_;  ///< by the inside endpoint of media
    std::set<std::pair<Endpoint, Endpoint>> unread_streams_;
    std::set<std::pair<Socket, Endpoint>> sent_;  ///< flows in which a phone has sent
    std::set<Endpoint> shown_;                    ///< see take_as_registered()
    std::unordered_map<std::string, std::size_t> by_call_id_;
    std::string current_;  ///< Call-ID of the latest message
    bool media_from_outside_ = false;
    Time now_ = begin_time, next_scan_{0};
    std::int64_t first_us_ = 0, latest_us_ = 0;
    std::size_t deadlines_ = 0;
    std::uint64_t token_ = 0;
    Explanation result_;
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
