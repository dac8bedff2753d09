#include "tests/bench/replay.hpp"

namespace bench {

namespace {

sipalg::Policy policy(std::size_t calls) {
    sipalg::Policy result;
    // An eighth of each table is for others (X7).
    result.max_calls = result.max_calls_per_phone = result.max_calls_per_peer = 2 * calls;
    result.max_mappings = result.max_mappings_per_phone = 8 * calls + 1000;
    return result;
}

}  // namespace

Packet packet(const Endpoint& from, const Endpoint& to, std::string_view payload) {
    Packet bytes(28);
    const auto put16 = [&bytes](std::size_t at, std::size_t value) {
        bytes[at] = static_cast<std::uint8_t>(value >> 8);
        bytes[at + 1] = static_cast<std::uint8_t>(value);
    };
    const auto put_address = [&bytes](std::size_t at, const std::string& text) {
        const auto address = sipalg::Address::parse(text).value();
        for (std::size_t i = 0; i < 4; ++i)
            bytes[at + i] = address.bytes()[i];
    };
    bytes[0] = 0x45;
    put16(2, 28 + payload.size());
    bytes[8] = 64;
    bytes[9] = 17;
    put_address(12, from.address);
    put_address(16, to.address);
    put16(20, from.port);
    put16(22, to.port);
    put16(24, 8 + payload.size());
    bytes.insert(bytes.end(), payload.begin(), payload.end());
    return bytes;
}

Core::Core(const std::string& outside_address, std::size_t calls) : state_(policy(calls)) {
    egress_.address = egress_.advertised = sipalg::Address::parse(outside_address).value();
    state_.set_own_addresses({egress_.address, sipalg::Address::parse("192.168.1.1").value()});
}

const sipalg::Decision& Core::take(sipalg::Side from, const Packet& bytes, sipalg::Time now) {
    sipalg::Arrival arrival{from, bytes, egress_};
    arrival.established = from == sipalg::Side::outside;
    sipalg::inspect(state_, arrival, now, decision_);
    state_.commit();
    return decision_;
}

}  // namespace bench
