// Which of the router's addresses a packet is seen with from outside (N1).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "alg/core/door.hpp"
#include "alg/daemon/run/interfaces.hpp"

namespace sipalg::daemon {

/// A way through the router: where would a packet from `phone`, come in through `in_interface`, leave for
/// `peer`?
struct Way {
    Address phone;
    Address peer;
    unsigned in_interface = 0;
    friend bool operator==(const Way&, const Way&) = default;
};

/// Chooses the egress of packets. With one outside interface there is nothing to ask; with several the
/// kernel's routing decides, and its answers are kept until flush().
class EgressChooser {
  public:
    /// Index of the interface the kernel would use; nullopt: no route.
    using Lookup = std::function<std::optional<unsigned>(const Way&)>;
    /// Answers kept; beyond that all are forgotten and asked again.
    static constexpr std::size_t most_ways = 4096;

    explicit EgressChooser(Lookup lookup) : lookup_(std::move(lookup)) {}

    /// The outside interfaces in the owner's order and their `--external-address`, if any (none, one for all,
    /// or one each). Forgets all answers.
    void set(const Interfaces& interfaces, const std::vector<std::string>& outside,
             const std::vector<Address>& external);
    /// Which phones are translated.
    void set_treatments(const Treatments& treatments) { treatments_ = treatments; }
    /// Routes have changed.
    void flush() { ways_.clear(); }

    /// The egress of a packet; without addresses if it has none. Where nothing is translated (N2) it is the
    /// phone.
    /// Named in messages, so it must be that of the interface the packet leaves by (A9).
    Egress choose(Side from, Bytes packet, unsigned in_interface, unsigned out_interface);

    /// Index of the outside interface with this address; 0: there is none.
    unsigned index_of(const Address& address) const;
    /// What messages say for an address of an outside interface; the address itself if it is of none.
    Address advertised(const Address& address) const;

    struct End {
        unsigned index = 0;
        std::string interface;
        Egress egress;
    };
    const std::vector<End>& ends() const { return ends_; }

  private:
    struct WayHash {
        std::size_t operator()(const Way& way) const noexcept;
    };
    const Egress* find(unsigned index) const;

    Lookup lookup_;
    Treatments treatments_;
    std::vector<End> ends_;
    std::unordered_map<Way, unsigned, WayHash> ways_;  ///< 0: no route
};

}  // namespace sipalg::daemon
