#include "alg/capture/fragments.hpp"

#include <algorithm>

#include "alg/net/checksum.hpp"

namespace sipalg::capture {

namespace {

constexpr std::size_t longest_packet = 65535;
constexpr std::size_t most_given_up = 1000;
constexpr std::uint8_t fragment_header = 44;  // RFC 8200 4.5

}  // namespace

std::optional<Fragments::Fragment> Fragments::fragment_v4(Bytes packet) {
    if (packet.size() < 20) return std::nullopt;
    const unsigned field = load16(packet, 6);
    const std::size_t header = static_cast<std::size_t>(packet[0] & 0x0f) * 4, total = load16(packet, 2);
    if ((field & 0x3fff) == 0 || header < 20 || total < header || total > packet.size()) return std::nullopt;
    Fragment found;
    found.offset = static_cast<std::size_t>(field & 0x1fff) * 8;
    found.more = (field & 0x2000) != 0;
    found.head = packet.first(header);
    found.data = packet.subspan(header, total - header);
    found.key.assign(packet.begin() + 12, packet.begin() + 20);
    for (const std::uint8_t byte : {packet[4], packet[5], packet[9]})
        found.key.push_back(static_cast<char>(byte));
    return found;
}

// The fragment header directly after the IPv6 header: hosts that speak SIP do not send other forms.
std::optional<Fragments::Fragment> Fragments::fragment_v6(Bytes packet) {
    if (packet.size() < 48 || packet[6] != fragment_header) return std::nullopt;
    const std::size_t total = 40 + std::size_t{load16(packet, 4)};
    if (total < 48 || total > packet.size()) return std::nullopt;
    const unsigned field = load16(packet, 42);
    Fragment found;
    found.offset = field & 0xfff8;
    found.more = (field & 1) != 0;
    found.head = packet.first(40);
    found.data = packet.subspan(48, total - 48);
    found.protocol = packet[40];
    found.key.assign(packet.begin() + 8, packet.begin() + 40);
    found.key.append(packet.begin() + 44, packet.begin() + 48);
    return found;
}

Fragments::Result Fragments::add(Bytes packet, std::uint64_t frame) {
    const unsigned version = packet.empty() ? 0 : packet[0] >> 4;
    const auto fragment = version == 4   ? fragment_v4(packet)
                          : version == 6 ? fragment_v6(packet)
                                         : std::nullopt;
    if (!fragment) return {};
    const std::size_t end = fragment->offset + fragment->data.size();
    if (end + fragment->head.size() > longest_packet || (fragment->more && fragment->data.empty()))
        return {Result::Kind::broken, {}, "a fragment beyond the end of a packet"};
    auto found = incomplete_.find(fragment->key);
    if (found == incomplete_.end()) {
        make_room();
        found = incomplete_.emplace(fragment->key, Incomplete{}).first;
        found->second.frame = frame;
    }
    Incomplete& incomplete = found->second;
    if (incomplete.stored + fragment->data.size() > 2 * longest_packet)
        return {Result::Kind::broken, {}, "too many fragments for one packet"};
    if (fragment->offset == 0) {
        incomplete.head.assign(fragment->head.begin(), fragment->head.end());
        incomplete.protocol = fragment->protocol;
    }
    if (!fragment->more) incomplete.total = end;
    const auto [piece, is_new] =
        incomplete.pieces.try_emplace(fragment->offset, fragment->data.begin(), fragment->data.end());
    if (is_new) incomplete.stored += fragment->data.size();
    auto assembled = assemble(incomplete);
    if (!assembled) return {Result::Kind::waiting, {}, {}};
    incomplete_.erase(found);
    return {Result::Kind::complete, std::move(*assembled), {}};
}

std::optional<std::vector<std::uint8_t>> Fragments::assemble(const Incomplete& incomplete) {
    if (!incomplete.total || incomplete.head.empty()) return std::nullopt;
    std::vector<std::uint8_t> whole = incomplete.head;
    const std::size_t header = whole.size();
    for (const auto& [offset, data] : incomplete.pieces) {
        const std::size_t have = whole.size() - header;
        if (offset > have) return std::nullopt;
        if (offset + data.size() <= have) continue;
        whole.insert(whole.end(), data.begin() + static_cast<std::ptrdiff_t>(have - offset), data.end());
    }
    if (whole.size() - header < *incomplete.total) return std::nullopt;
    whole.resize(header + *incomplete.total);
    if (whole[0] >> 4 == 4) {
        store16(whole, 2, whole.size());
        store16(whole, 6, 0);
        store16(whole, 10, 0);
        store16(whole, 10, fold(add_words(Bytes(whole).first(header), 0)));
    } else {
        whole[6] = incomplete.protocol;
        store16(whole, 4, whole.size() - header);
    }
    return whole;
}

void Fragments::make_room() {
    if (incomplete_.size() < max_incomplete) return;
    const auto oldest =
        std::min_element(incomplete_.begin(), incomplete_.end(),
                         [](const auto& a, const auto& b) { return a.second.frame < b.second.frame; });
    if (given_up_.size() < most_given_up) given_up_.push_back(oldest->second.frame);
    incomplete_.erase(oldest);
}

std::vector<std::uint64_t> Fragments::lost() const {
    std::vector<std::uint64_t> frames = given_up_;
    for (const auto& [key, incomplete] : incomplete_)
        frames.push_back(incomplete.frame);
    std::sort(frames.begin(), frames.end());
    return frames;
}

}  // namespace sipalg::capture
