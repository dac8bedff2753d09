// The outside address for a packet: that of the interface by which it leaves (N1, A9).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "alg/core/door.hpp"
#include "alg/daemon/run/interfaces.hpp"

namespace sipalg::daemon {

/// A request to the routing table for the interface by which a packet from `phone` to `peer` leaves, if it
/// came in by `in_interface`. Without a phone: the same for the router's own packets to `peer`.
struct RouteQuery {
    Address phone;
    Address peer;
    unsigned in_interface = 0;
    /// Policy rules may depend on them (`ip rule add ipproto udp dport 5060 ...`); nullopt: of any transport.
    std::optional<Transport> transport{};
    std::uint16_t phone_port = 0, peer_port = 0;
    friend bool operator==(const RouteQuery&, const RouteQuery&) = default;
};

/// The kernel's knowledge about flows from phones to the outside (A9).
class FlowUplinks {
  public:
    virtual ~FlowUplinks() = default;
    /// The phone's address for the peer on an existing connection; nullopt: there is none.
    virtual std::optional<Address> public_address(const ConntrackTuple& flow) = 0;
    /// The interface by which a packet of this flow has left after ask_uplink(); nullopt: none yet.
    virtual std::optional<std::string> uplink_of(const ConntrackTuple& flow) = 0;
    /// The kernel notes the uplink of the flow's next packet and drops the packet. False: it refused.
    [[nodiscard]] virtual bool ask_uplink(const ConntrackTuple& flow) = 0;
};

/// Chooses the egress of packets. With several outside interfaces the kernel's routing decides, and its
/// answers are cached until flush().
class EgressChooser {
  public:
    /// Index of the interface the kernel would use; nullopt: no route.
    using Lookup = std::function<std::optional<unsigned>(const RouteQuery&)>;
    /// Cached answers; the cache is emptied when it is full.
    static constexpr std::size_t most_routes = 4096;

    explicit EgressChooser(Lookup lookup) : lookup_(std::move(lookup)) {}

    /// The outside interfaces in the owner's order and their `--external-address`, if any (none, one for all,
    /// or one each). NAT translates to such an address if the interface has it (a virtual address of VRRP,
    /// the owner's `snat to`) or if an interface that is not outside has it (VRRP's own, loopback). An
    /// address that the router does not have is only written into messages (N1). Empties the cache.
    void set(const Interfaces& interfaces, const std::vector<std::string>& outside,
             const std::vector<Address>& external);
    /// Decides which phones are translated.
    void set_treatments(const Treatments& treatments) { treatments_ = treatments; }
    /// If firewall marks decide about routes, the uplink of a flow is known only when a packet leaves.
    /// nullptr: marks are ignored.
    void set_flows(FlowUplinks* flows) { flows_ = flows; }
    /// Empties the cache: routes have changed.
    void flush() { routes_ = decltype(routes_)(); }  // with its buckets
    std::size_t cached() const { return routes_.size(); }

    struct Choice {
        Egress egress;
        /// Accept the packet unmodified: the kernel notes its uplink and drops it, and the sender repeats it.
        bool undecided = false;
    };
    /// The egress of a packet; without addresses if there is none. For a phone that is not translated (N2) it
    /// is the phone itself. Messages name this address, so it must be that of the interface by which the
    /// packet leaves (A9).
    Choice choose(Side from, Bytes packet, unsigned in_interface, unsigned out_interface);
    /// Whether choose() may ask the kernel about the flow of a packet from that side.
    bool may_ask(Side from) const {
        return marks_decide_ && flows_ != nullptr && ends_.size() > 1 && from == Side::inside;
    }

    /// Index of the outside interface with this address; 0: there is none.
    unsigned index_of(const Address& address) const;
    /// The address that messages name in place of `address`; `address` itself if no outside interface has it.
    Address advertised(const Address& address) const;

    struct End {
        unsigned index = 0;
        std::string interface;
        Egress egress;
    };
    const std::vector<End>& ends() const { return ends_; }

  private:
    struct QueryHash {
        std::size_t operator()(const RouteQuery& way) const noexcept;
    };
    const Egress* find(unsigned index) const;
    Egress by_route(const RouteQuery& query);
    /// nullopt: the routing table decides.
    std::optional<Choice> by_flow(const RouteQuery& query);
    void name_interfaces();

    Lookup lookup_;
    FlowUplinks* flows_ = nullptr;
    bool marks_decide_ = false;
    Treatments treatments_;
    std::vector<End> ends_;
    std::unordered_map<RouteQuery, unsigned, QueryHash> routes_;  ///< 0: no route
};

}  // namespace sipalg::daemon
