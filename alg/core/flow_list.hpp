// The flows of signalling that were seen, for people: who opened them, what they carry, what becomes of it.
//
// Theory of operation. Nothing is decided by this table. A flow is one (transport, phone, peer) as the inside
// edge sees it. Of signalling on SIP ports every message is seen; of what is only watched (TLS ports, SIP on
// other ports) the kernel shows beginnings, so such a flow is kept for longer. In each of these two classes
// flows stand in the order in which they were last seen: the longest idle one is at the front, and neither a
// deadline nor a replacement has to be searched for.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "alg/base/time.hpp"
#include "alg/net/address.hpp"
#include "alg/policy/policy.hpp"

namespace sipalg {

struct FlowKey {
    Transport transport = Transport::udp;
    Endpoint phone;  ///< the inside end
    Endpoint peer;
    friend auto operator<=>(const FlowKey&, const FlowKey&) = default;
};

/// What a flow carries. Of all that was seen in it, what stands last here counts.
enum class FlowKind : std::uint8_t { unknown, keep_alive, stun, other, http, dtls, tls, sip, count_ };
inline constexpr std::size_t flow_kinds = static_cast<std::size_t>(FlowKind::count_);
std::string_view word(FlowKind kind);

/// What becomes of its messages; the same order.
enum class FlowTreatment : std::uint8_t {
    unmodified,  ///< its bytes pass as they are
    followed,    ///< SIP that was understood and needed no change
    rewritten,   ///< SIP of which some was changed
};
std::string_view word(FlowTreatment treatment);

/// How much of a flow is seen.
enum class Sight : std::uint8_t { whole, beginnings };

struct FlowEntry {
    FlowKey key;
    Side opener = Side::inside;
    FlowKind kind = FlowKind::unknown;
    FlowTreatment treatment = FlowTreatment::unmodified;
    Sight sight = Sight::whole;
    bool configured = true;   ///< false: SIP on a port that is no SIP port
    std::string server_name;  ///< that its ClientHello asks for; empty: none
    Time first{0}, last{0};
    std::uint64_t outward = 0, inward = 0;  ///< packets, or messages of a stream, that were seen

    /// Puts in what was learned; the lesser of two is forgotten.
    void learn(FlowTreatment more) { treatment = more > treatment ? more : treatment; }
};

class FlowList {
  public:
    /// With one more, the longest idle one gives way (X7): this is what people look at, and nothing depends
    /// on it.
    static constexpr std::size_t most = 8192;
    /// Without anything seen of it a flow is forgotten after that.
    static constexpr Time kept[] = {std::chrono::minutes(15), std::chrono::hours(24 * 7)};  // by Sight

    /// A packet or message of the flow, sent from that side; the first one's sender has opened it. Allocates
    /// only for a flow that is new. The entry is valid until the next call.
    FlowEntry& see(const FlowKey& key, Side from, FlowKind kind, Time now, Sight sight = Sight::whole);
    void forget(const FlowKey& key);

    const FlowEntry* find(const FlowKey& key) const;
    std::size_t size() const { return by_key_.size(); }
    std::array<std::size_t, flow_kinds> counts() const;
    template <class Visit>
    void each(const Visit& visit) const {
        for (const Line& line : lines_)
            for (const FlowEntry& entry : line)
                visit(entry);
    }

    std::optional<Time> next_deadline() const;
    void expire(Time now);

  private:
    using Line = std::list<FlowEntry>;  // the longest idle one first
    struct Hash {
        std::size_t operator()(const FlowKey& key) const noexcept {
            return mix(std::hash<Endpoint>{}(key.phone) + static_cast<std::size_t>(key.transport),
                       std::hash<Endpoint>{}(key.peer));
        }
    };

    Line& line(Sight sight) { return lines_[static_cast<std::size_t>(sight)]; }
    void erase(Line::iterator entry);
    void make_room();

    std::array<Line, 2> lines_;  // by Sight
    std::unordered_map<FlowKey, Line::iterator, Hash> by_key_;
};

}  // namespace sipalg
