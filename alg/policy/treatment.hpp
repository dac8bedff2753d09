// The owner's settings for phones and peers: the defaults and the sections.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "alg/net/address.hpp"

namespace sipalg {

/// The sources of media besides the address in the peer's description (C5).
enum class MediaSource : std::uint8_t {
    negotiated,  ///< none
    latch,       ///< the first other address that sends within latch_time of a new answer (RFC 7362)
    any          ///< any; never for all peers
};

/// How the messages of a phone and a peer are treated.
enum class Mode : std::uint8_t {
    automatic,  ///< as rewrite, until the phone or the peer has proven that it handles NAT itself (S2)
    rewrite,    ///< inside addresses are always rewritten
    pinhole,    ///< messages are not changed; mappings are made and pinholes are opened as needed
    observe,    ///< nothing is changed or opened; reports what `automatic` would do (O7)
    off         ///< messages are not read
};
/// "auto", "rewrite", …
std::string_view word(Mode mode);

/// Whether a phone's IPv4 address is translated on its way outside (N2).
enum class Nat : std::uint8_t {
    automatic,  ///< yes for private addresses
    yes,
    no  ///< routed: pinholes only, no byte changes
};

/// Addresses that have their first `length` bits in common.
struct Prefix {
    Address address;
    std::uint8_t length = 0;  ///< at most 32 or 128; bits of `address` behind it are zero

    /// "192.168.1.0/24"; without "/" it is one address. nullopt: neither, or bits after the first `length`
    /// are set.
    static std::optional<Prefix> parse(std::string_view text);
    bool contains(const Address& other) const;
    friend bool operator==(const Prefix&, const Prefix&) = default;
};

/// The settings of a section. A less specific section provides settings that are not set.
struct Treatment {
    std::optional<MediaSource> media_source;
    std::optional<Mode> mode;
    std::optional<Nat> nat;
    std::optional<bool> allowed;  ///< a peer that may send requests to phones first (N3)
    std::optional<bool>
        any_interface;  ///< a phone that may send by an interface without a route back to it (X12)
    std::vector<Prefix> delegates;  ///< hosts whose media addresses the phone may name (N5)
    std::vector<std::uint16_t>
        listen;  ///< ports at which allowed peers reach a phone that has sent nothing (N3)
    friend bool operator==(const Treatment&, const Treatment&) = default;
};

struct Section {
    Prefix prefix;
    Treatment treatment;
    friend bool operator==(const Section&, const Section&) = default;
};

/// All settings. Each one is taken from the most specific section of the peer that sets it, else of the
/// phone, else from the defaults.
struct Treatments {
    MediaSource media_source = MediaSource::negotiated;
    Mode mode = Mode::automatic;
    Nat nat = Nat::automatic;
    std::vector<Section> peers, phones;

    MediaSource media_source_of(const Address& phone, const Address& peer) const;
    Mode mode_of(const Address& phone, const Address& peer) const;
    /// Whether the phone's address is translated; false for IPv6.
    bool is_translated(const Address& inside) const;
    /// Whether the phone may name media addresses of that host: a phone behind a PBX, or the phone's own
    /// address of the other family.
    bool is_delegate(const Address& phone, const Address& other) const;
    /// The peers that may send requests first (N3), as prefixes that do not overlap.
    std::vector<Prefix> allowed_peers() const;
    bool allows_peers() const;
    bool is_allowed(const Address& peer) const;
    /// The phones with `any-interface = yes` (X12), as prefixes that do not overlap.
    std::vector<Prefix> any_interface_phones() const;
    /// Whether the phone has delegates of that family.
    bool has_delegates(const Address& phone, Family family) const;
    friend bool operator==(const Treatments&, const Treatments&) = default;
};

}  // namespace sipalg
