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
    Address registrar;  ///< or outbound proxy: who the REGISTER was sent to
    friend bool operator==(const BindingKey&, const BindingKey&) = default;
};
struct BindingKeyHash {
    std::size_t operator()(const BindingKey& key) const noexcept;
};

struct Binding {
    std::uint32_t record_id = 0;
    Egress egress;
    Endpoint shown;                ///< the public endpoint as messages say it
    Endpoint outside;              ///< the same as packets have it
    std::vector<Endpoint> former;  ///< what the registrar was told before the router's address changed
    std::vector<Address> others;   ///< who may send requests in besides the registrar
    bool unmodified = false;       ///< its messages are not rewritten, because the registrar minds NAT itself
    Time until{0};                 ///< what the registrar granted, with grace
    std::string record;
};

/// More of Binding::others are not let in.
inline constexpr std::size_t max_others = 4;

/// Who may send requests to the phone through the binding.
std::vector<Pinhole> pinholes(const BindingKey& key, const Binding& binding);

/// The record of a binding and back. False: of another layout, or broken.
std::string write_record(const BindingKey& key, const Binding& binding);
bool read_record(std::string_view bytes, BindingKey& key, Binding& binding);

}  // namespace sipalg::registration
