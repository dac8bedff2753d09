// The list of signalling flows for `sipalgctl flows`: the opener, the content and the treatment of each flow.
//
// Theory of operation. No decision depends on this list. A flow is one (transport, phone, peer) as seen at
// the inside edge. On SIP ports every message of a flow is seen. On other ports (TLS, and SIP that is only
// reported) the kernel queues only the first packet, so these flows are kept for longer. Each of the two
// classes is a list in the order of the last packet. The flow that has been idle longest is at the front, so
// expiry and replacement need no search.
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

/// The content of a flow, in ascending order of precedence: the highest value that was seen counts.
enum class FlowKind : std::uint8_t { unknown, keep_alive, stun, other, http, dtls, tls, sip, count_ };
inline constexpr std::size_t flow_kinds = static_cast<std::size_t>(FlowKind::count_);
std::string_view word(FlowKind kind);

/// The treatment of its messages, also in ascending order of precedence.
enum class FlowTreatment : std::uint8_t {
    unmodified,  ///< passes unmodified
    followed,    ///< SIP that was read and needed no change
    rewritten,   ///< SIP with at least one changed message
};
std::string_view word(FlowTreatment treatment);

/// Whether all packets of a flow are seen.
enum class Sight : std::uint8_t { whole, beginnings };

struct FlowEntry {
    FlowKey key;
    Side opener = Side::inside;
    FlowKind kind = FlowKind::unknown;
    FlowTreatment treatment = FlowTreatment::unmodified;
    Sight sight = Sight::whole;
    bool configured = true;   ///< false: SIP on a port that is not a SIP port
    std::string server_name;  ///< the name that its ClientHello requests; empty: none
    Time first{0}, last{0};
    std::uint64_t outward = 0, inward = 0;  ///< packets seen; for TCP, messages seen

    /// Raises the treatment; a lower value than the present one has no effect.
    void raise(FlowTreatment more) { treatment = more > treatment ? more : treatment; }
};

class FlowList {
  public:
    /// The limit (X7). At the limit a new flow replaces the one that has been idle longest, which affects
    /// only the report.
    static constexpr std::size_t most = 8192;
    /// A flow is removed after this time without a packet.
    static constexpr Time kept[] = {std::chrono::minutes(15), std::chrono::hours(24 * 7)};  // by Sight

    /// Notes a packet or message that was sent from that side. The sender of the first one has opened the
    /// flow. Allocates only for a new flow. The returned entry is valid until the next call.
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
    /// See State::shrink().
    void shrink() { by_key_.rehash(0); }

  private:
    using Line = std::list<FlowEntry>;  // the one that has been idle longest first
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
