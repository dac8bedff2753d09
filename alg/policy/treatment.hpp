// How phones and peers are treated, where the owner wants it otherwise than for all.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "alg/net/address.hpp"

namespace sipalg {

/// Where media may come from besides the address that the peer's description names (C5).
enum class MediaSource : std::uint8_t {
    negotiated,  ///< from nowhere else
    latch,       ///< from the first other address that sends within latch_time of a new answer (RFC 7362)
    any          ///< from everywhere; never for all peers
};

/// What is done with the messages of a phone and a peer.
enum class Mode : std::uint8_t {
    automatic,  ///< as rewrite, until one of the two has shown that it minds NAT itself (S2)
    rewrite,    ///< inside addresses are changed wherever they show
    pinhole,    ///< no byte is changed; mappings and pinholes are opened as needed
    observe,    ///< nothing is done, and told what `automatic` would do (O7)
    off         ///< messages pass unread
};
/// "auto", "rewrite", …
std::string_view word(Mode mode);

/// Whether a phone's IPv4 address is translated on its way outside (N2).
enum class Nat : std::uint8_t {
    automatic,  ///< private addresses are
    yes,
    no  ///< routed: pinholes only, no byte changes
};

/// Addresses that have their first `length` bits in common.
struct Prefix {
    Address address;
    std::uint8_t length = 0;  ///< at most 32 or 128; bits of `address` behind it are zero

    /// "192.168.1.0/24"; without "/" it is one address. nullopt: neither, or there are bits behind the
    /// prefix.
    static std::optional<Prefix> parse(std::string_view text);
    bool contains(const Address& other) const;
    friend bool operator==(const Prefix&, const Prefix&) = default;
};

/// What is set for some addresses; what is not set there is asked for elsewhere.
struct Treatment {
    std::optional<MediaSource> media_source;
    std::optional<Mode> mode;
    std::optional<Nat> nat;
    std::optional<bool> allowed;    ///< a peer that may call the phones' signalling endpoints by itself (N3)
    std::vector<Prefix> delegates;  ///< whose media addresses the phone may name (N5)
    std::vector<std::uint16_t>
        listen;  ///< where allowed peers reach the phone though it has said nothing (N3)
    friend bool operator==(const Treatment&, const Treatment&) = default;
};

struct Section {
    Prefix prefix;
    Treatment treatment;
    friend bool operator==(const Section&, const Section&) = default;
};

/// All of it. For each setting the narrowest section of the peer counts that has it, then the narrowest of
/// the phone, then what holds for all.
struct Treatments {
    MediaSource media_source = MediaSource::negotiated;
    Mode mode = Mode::automatic;
    Nat nat = Nat::automatic;
    std::vector<Section> peers, phones;

    MediaSource media_source_of(const Address& phone, const Address& peer) const;
    Mode mode_of(const Address& phone, const Address& peer) const;
    /// IPv6 never is.
    bool is_translated(const Address& inside) const;
    /// The phone may name media addresses of that host: a phone behind a PBX, or itself in the other family.
    bool is_delegate(const Address& phone, const Address& other) const;
    /// Whom the owner allows to call by themselves (N3), as prefixes that do not overlap.
    std::vector<Prefix> allowed_peers() const;
    bool allows_peers() const;
    /// It has delegates of that family.
    bool has_delegates(const Address& phone, Family family) const;
    friend bool operator==(const Treatments&, const Treatments&) = default;
};

}  // namespace sipalg
