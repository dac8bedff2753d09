// A binding: an AOR at one of a phone's endpoints, as one registrar knows it (RFC 3261 10).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "alg/base/time.hpp"
#include "alg/kernel/element.hpp"
#include "alg/net/address.hpp"
#include "alg/policy/policy.hpp"

namespace sipalg::registration {

/// A phone may register one AOR at several servers, which then all send requests in (RFC 5626).
struct BindingKey {
    std::string aor;
    Socket inside;
    Address registrar;  ///< the destination of the REGISTER: the registrar or an outbound proxy
    friend bool operator==(const BindingKey&, const BindingKey&) = default;
};
struct BindingKeyHash {
    std::size_t operator()(const BindingKey& key) const noexcept;
};

struct Binding {
    std::uint32_t record_id = 0;
    Egress egress;
    Endpoint shown;    ///< the public endpoint in messages
    Endpoint outside;  ///< the same in packets
    std::vector<Endpoint>
        old_endpoints;            ///< earlier values of `shown`, from before the router's address changed
    std::vector<Address> others;  ///< further addresses that may send requests to the phone
    bool unmodified = false;  ///< its messages are not rewritten, because the registrar handles NAT itself
    bool proven = false;      ///< the registrar has answered the phone (X11); else nothing is let in
    Time until{0};            ///< the lifetime that the registrar granted, with grace
    std::string record;       ///< as the kernel has it
};

inline constexpr std::size_t max_others = 4;  ///< of Binding::others

/// The addresses whose requests to the phone the binding lets in; none before it is proven (X11).
std::vector<Pinhole> pinholes(const BindingKey& key, const Binding& binding);

/// Writes and reads the record of a binding (A5). False: the record has another layout or is damaged.
std::string write_record(const BindingKey& key, const Binding& binding);
[[nodiscard]] bool read_record(std::string_view bytes, BindingKey& key, Binding& binding,
                               Time clock = Time{0});

}  // namespace sipalg::registration
