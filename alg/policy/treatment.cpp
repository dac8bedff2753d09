#include "alg/policy/treatment.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace sipalg {

namespace {

bool bit(const Address& address, std::size_t index) {
    return (address.bytes()[index / 8] >> (7 - index % 8) & 1) != 0;
}

bool is_set(const auto& optional_value) {
    return optional_value.has_value();
}
template <class Item>
bool is_set(const std::vector<Item>& list) {
    return !list.empty();
}

// The setting in the most specific section that has it; else an empty value.
template <class Value>
Value narrowest(const std::vector<Section>& sections, const Address& address, Value Treatment::*setting,
                std::size_t longest = 128) {
    const Section* best = nullptr;
    for (const Section& section : sections)
        if (is_set(section.treatment.*setting) && section.prefix.contains(address) &&
            section.prefix.length <= longest && (!best || section.prefix.length > best->prefix.length))
            best = &section;
    return best ? best->treatment.*setting : Value{};
}

// The two halves of a prefix that is not a single address.
std::array<Prefix, 2> halves(const Prefix& prefix) {
    auto bytes = prefix.address.bytes();
    bytes[prefix.length / 8U] |= static_cast<std::uint8_t>(0x80U >> prefix.length % 8U);
    const Address upper =
        prefix.address.is_v4() ? Address::v4({bytes[0], bytes[1], bytes[2], bytes[3]}) : Address::v6(bytes);
    const auto length = static_cast<std::uint8_t>(prefix.length + 1);
    return {Prefix{prefix.address, length}, Prefix{upper, length}};
}

using Switch = std::optional<bool> Treatment::*;

// Adds the part of `prefix` in which the switch is on: all of it if the most specific section that contains
// it sets the switch, without the parts that more specific sections exclude.
void add_switched_on(const std::vector<Section>& sections, Switch setting, const Prefix& prefix,
                     std::vector<Prefix>& out) {
    const bool on = narrowest(sections, prefix.address, setting, prefix.length).value_or(false);
    const bool divided = std::any_of(sections.begin(), sections.end(), [&](const Section& section) {
        return section.prefix.length > prefix.length && prefix.contains(section.prefix.address) &&
               (section.treatment.*setting).value_or(on) != on;
    });
    if (divided)
        for (const Prefix& half : halves(prefix))
            add_switched_on(sections, setting, half, out);
    else if (on)
        out.push_back(prefix);
}

// Where the switch is on, as prefixes that do not overlap.
std::vector<Prefix> switched_on(const std::vector<Section>& sections, Switch setting) {
    std::vector<Prefix> found;
    for (const Section& section : sections) {
        if (!(section.treatment.*setting).value_or(false)) continue;
        const bool inside_another = std::any_of(sections.begin(), sections.end(), [&](const Section& other) {
            return (other.treatment.*setting).value_or(false) &&
                   other.prefix.length < section.prefix.length &&
                   other.prefix.contains(section.prefix.address);
        });
        if (!inside_another) add_switched_on(sections, setting, section.prefix, found);
    }
    return found;
}

}  // namespace

std::optional<Prefix> Prefix::parse(std::string_view text) {
    const std::size_t slash = text.find('/');
    const auto address = Address::parse(text.substr(0, slash));
    if (!address) return std::nullopt;
    const std::size_t bits = address->size() * 8;
    std::size_t length = bits;
    if (slash != std::string_view::npos) {
        const std::string_view number = text.substr(slash + 1);
        const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), length);
        if (error != std::errc{} || end != number.data() + number.size() || length > bits)
            return std::nullopt;
    }
    for (std::size_t i = length; i < bits; ++i)
        if (bit(*address, i)) return std::nullopt;
    return Prefix{*address, static_cast<std::uint8_t>(length)};
}

bool Prefix::contains(const Address& other) const {
    if (other.family() != address.family()) return false;
    for (std::size_t i = 0; i < length; ++i)
        if (bit(address, i) != bit(other, i)) return false;
    return true;
}

std::string_view word(Mode mode) {
    switch (mode) {
        case Mode::automatic: return "auto";
        case Mode::rewrite: return "rewrite";
        case Mode::pinhole: return "pinhole";
        case Mode::observe: return "observe";
        case Mode::off: return "off";
    }
    return "";
}

MediaSource Treatments::media_source_of(const Address& phone, const Address& peer) const {
    for (const auto& found : {narrowest(peers, peer, &Treatment::media_source),
                              narrowest(phones, phone, &Treatment::media_source)})
        if (found) return *found;
    return media_source;
}

Mode Treatments::mode_of(const Address& phone, const Address& peer) const {
    if (const auto found = narrowest(peers, peer, &Treatment::mode)) return *found;
    return narrowest(phones, phone, &Treatment::mode).value_or(mode);
}

bool Treatments::is_translated(const Address& inside) const {
    if (!inside.is_v4()) return false;
    const Nat wanted = narrowest(phones, inside, &Treatment::nat).value_or(nat);
    return wanted == Nat::yes || (wanted == Nat::automatic && inside.is_private());
}

bool Treatments::is_delegate(const Address& phone, const Address& other) const {
    if (phones.empty()) return false;
    const std::vector<Prefix> delegates = narrowest(phones, phone, &Treatment::delegates);
    return std::any_of(delegates.begin(), delegates.end(),
                       [&](const Prefix& prefix) { return prefix.contains(other); });
}

bool Treatments::allows_peers() const {
    return std::any_of(peers.begin(), peers.end(),
                       [](const Section& section) { return section.treatment.allowed.value_or(false); });
}

bool Treatments::is_allowed(const Address& peer) const {
    return !peers.empty() && narrowest(peers, peer, &Treatment::allowed).value_or(false);
}

std::vector<Prefix> Treatments::allowed_peers() const {
    return switched_on(peers, &Treatment::allowed);
}

std::vector<Prefix> Treatments::any_interface_phones() const {
    return switched_on(phones, &Treatment::any_interface);
}

bool Treatments::has_delegates(const Address& phone, Family family) const {
    const std::vector<Prefix> delegates = narrowest(phones, phone, &Treatment::delegates);
    return std::any_of(delegates.begin(), delegates.end(),
                       [&](const Prefix& prefix) { return prefix.address.family() == family; });
}

}  // namespace sipalg
