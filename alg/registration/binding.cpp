#include "alg/registration/binding.hpp"

#include <functional>

#include "alg/kernel/record.hpp"
#include "alg/nat/old_endpoints.hpp"

namespace sipalg::registration {

namespace {

// Counted up when the layout changes: a record of another version is not read, its elements are removed.
constexpr std::uint64_t layout = 0xb4;

}  // namespace

std::size_t BindingKeyHash::operator()(const BindingKey& key) const noexcept {
    return std::hash<std::string>{}(key.aor) * 31 + std::hash<Socket>{}(key.inside);
}

std::vector<Pinhole> pinholes(const BindingKey& key, const Binding& binding) {
    std::vector<Pinhole> all{{key.inside.transport, key.registrar, binding.outside}};
    for (const Address& other : binding.others)
        all.push_back({key.inside.transport, other, binding.outside});
    return all;
}

std::string write_record(const BindingKey& key, const Binding& binding) {
    RecordWriter out;
    out.number(layout, 1);
    out.text(key.aor);
    out.number(static_cast<std::uint64_t>(key.inside.transport), 1);
    out.endpoint(key.inside.endpoint);
    out.address(key.registrar);
    out.address(binding.egress.address);
    out.address(binding.egress.advertised);
    out.endpoint(binding.shown);
    out.endpoints(binding.former);
    out.number(binding.others.size(), 1);
    for (const Address& other : binding.others)
        out.address(other);
    out.number(binding.unmodified, 1);
    out.number(static_cast<std::uint64_t>(binding.until.count()), 8);
    return out.take();
}

bool read_record(std::string_view bytes, BindingKey& key, Binding& binding) {
    RecordReader in(bytes);
    if (in.number(1) != layout) return false;
    key.aor = in.text();
    key.inside.transport = in.number(1) == 6 ? Transport::tcp : Transport::udp;
    key.inside.endpoint = in.endpoint();
    key.registrar = in.address();
    binding.egress.address = in.address();
    binding.egress.advertised = in.address();
    binding.shown = in.endpoint();
    binding.former = in.endpoints(nat::max_former);
    const std::uint64_t others = in.number(1);
    for (std::uint64_t i = 0; i < others && i < max_others && in.ok(); ++i)
        binding.others.push_back(in.address());
    binding.unmodified = in.number(1);
    binding.until = Time{static_cast<std::int64_t>(in.number(8))};
    return in.ok() && in.at_end();
}

}  // namespace sipalg::registration
