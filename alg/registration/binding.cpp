#include "alg/registration/binding.hpp"

#include <functional>

#include "alg/kernel/record_fields.hpp"
#include "alg/nat/old_endpoints.hpp"

namespace sipalg::registration {

namespace {

// Increased when the layout changes: a record of another version is not read, its elements are removed.
constexpr std::uint8_t layout = 0xb5;

// Names the fields for writing and reading (FieldWriter, FieldReader).
void binding_fields(auto& io, auto& key, auto& binding) {
    io.text(key.aor);
    io.socket(key.inside);
    io.address(key.registrar);
    io.address(binding.egress.address);
    io.address(binding.egress.advertised);
    io.endpoint(binding.shown);
    io.list(binding.old_endpoints, nat::max_old_endpoints, [](auto& in, auto& value) { in.endpoint(value); });
    io.list(binding.others, max_others, [](auto& in, auto& value) { in.address(value); });
    io.flags(binding.unmodified, binding.proven);
    io.time(binding.until);
}

}  // namespace

std::size_t BindingKeyHash::operator()(const BindingKey& key) const noexcept {
    return std::hash<std::string>{}(key.aor) * 31 + std::hash<Socket>{}(key.inside);
}

std::vector<Pinhole> pinholes(const BindingKey& key, const Binding& binding) {
    if (!binding.proven) return {};
    std::vector<Pinhole> all{{key.inside.transport, key.registrar, binding.outside}};
    for (const Address& other : binding.others)
        all.push_back({key.inside.transport, other, binding.outside});
    return all;
}

std::string write_record(const BindingKey& key, const Binding& binding) {
    FieldWriter out;
    out.number(layout, 1);
    binding_fields(out, key, binding);
    return out.take();
}

bool read_record(std::string_view bytes, BindingKey& key, Binding& binding, Time clock) {
    FieldReader in(bytes, clock);
    std::uint8_t version = 0;
    in.number(version, 1);
    if (version != layout) return false;
    binding_fields(in, key, binding);
    return in.is_complete();
}

}  // namespace sipalg::registration
