// A session description as an overlay of views (RFC 8866): the lines an ALG reads or changes, the rest
// unmodified.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "alg/base/inline_table.hpp"
#include "alg/net/address.hpp"

namespace sipalg::sdp {

/// An address where the grammar has one: "c=IN IP4 <address>", the end of o=, of a=rtcp, in a candidate.
struct AddressField {
    std::string_view text;           ///< without /ttl; empty: the line has none
    std::optional<Address> address;  ///< when it is a literal of either family
    std::string_view type;  ///< "IP4" or "IP6" in the sender's case; empty where the grammar has none
};

enum class Direction : std::uint8_t { sendrecv, sendonly, recvonly, inactive };

/// a=candidate (RFC 8839): the fields that rewriting needs.
struct Candidate {
    std::uint8_t component = 0;  ///< 1 RTP, 2 RTCP
    bool tcp = false;
    bool host = false;  ///< typ host
    std::string_view port_text;
    std::uint16_t port = 0;
    AddressField address;  ///< type is empty
};

/// a=rtcp (RFC 3605): port, and the address if it has one.
struct Rtcp {
    std::string_view port_text;
    std::uint16_t port = 0;
    AddressField address;
};

/// a=altc (RFC 6947), and X-Lite's a=alt: another address of either family at which the media can be reached.
struct Altc {
    AddressField address;
    std::string_view port_text;
    std::uint16_t port = 0;
};

/// One m= section.
struct Media {
    std::string_view type;       ///< "audio", "video", "image", "application", "message" …
    std::string_view port_text;  ///< digits only, without "/count"
    std::uint16_t port = 0;      ///< 0 also when it is no number in range (then well_formed is false)
    std::uint16_t port_count = 1;
    std::string_view proto;  ///< "RTP/AVP", "udptl" …
    bool well_formed = true;
    Direction direction = Direction::sendrecv;  ///< own attribute, else the session's
    bool rtcp_mux = false;
    bool rtcp_mux_only = false;
    bool bundle_only = false;
    /// a=setup value: "active", "passive", "actpass"; own or the session's; empty: none
    std::string_view setup;
    std::string_view mid;
    std::string_view path;  ///< a=path value (RFC 4975): MSRP URIs separated by spaces; empty: none
    /// a=remote-candidates value (RFC 8839 5.2): component, address, port, again and again; empty: none
    std::string_view remote_candidates;
    std::optional<Rtcp> rtcp;
    // The rows of its own c= lines, candidates and a=altc in the description's flat tables.
    std::uint16_t connection_begin = 0, connection_count = 0;
    std::uint16_t candidate_begin = 0, candidate_count = 0;
    std::uint16_t altc_begin = 0, altc_count = 0;
};

/// The whole description. Views into the text given to parse().
class Description {
  public:
    /// m= lines of any protocol (D4); those beyond are passed over, with what belongs to them.
    static constexpr std::size_t max_media = 32;
    static constexpr std::size_t max_connections = 64;  ///< c= lines in all
    static constexpr std::size_t max_groups = 8;        ///< a=group:BUNDLE lines
    static constexpr std::size_t max_candidates = 128;  ///< candidates in all; those beyond are passed over
    static constexpr std::size_t max_altc = 64;         ///< a=altc lines in all; those beyond are passed over

    /// Line by line; CRLF, LF and a missing last line end are all fine, unknown lines are passed over. A line
    /// whose value cannot be read is passed over too, but a c= or m= is kept with what can be read of it.
    /// Blanks around the 0 of v=, behind "=" and in front of the first line, a byte order mark there, and a
    /// missing v= do no harm (S9). False when the text is no description (its first line is not "x=…", or a
    /// v= other than 0) or has more c= or groups than fit: then nothing may be changed. Linear in the
    /// text, allocates nothing.
    bool parse(std::string_view text);

    std::string_view text() const { return text_; }
    const AddressField& origin() const { return origin_; }               ///< address of o=
    std::string_view origin_session() const { return origin_session_; }  ///< "username sess-id" part of o=
    std::string_view origin_version() const { return origin_version_; }  ///< sess-version of o=
    /// The session's c= lines.
    std::span<const AddressField> connections() const { return connections_.part(0, session_connections_); }
    /// A media's own c= lines.
    std::span<const AddressField> connections(const Media& media) const {
        return connections_.part(media.connection_begin, media.connection_count);
    }
    std::span<const Candidate> candidates(const Media& media) const {
        return candidates_.part(media.candidate_begin, media.candidate_count);
    }
    std::span<const Altc> altc(const Media& media) const {
        return altc_.part(media.altc_begin, media.altc_count);
    }
    std::span<const Media> media() const { return media_.all(); }
    /// The c= that holds for a media: its own first, else the session's first, else an empty one.
    const AddressField& connection(const Media& media) const;
    /// The media shares the transport of another one in a=group:BUNDLE and is not the first of it.
    bool bundled(const Media& media) const;

  private:
    class Reader;

    std::string_view text_, origin_session_, origin_version_;
    AddressField origin_;
    InlineTable<AddressField, max_connections> connections_;
    std::size_t session_connections_ = 0;
    InlineTable<Candidate, max_candidates> candidates_;
    InlineTable<Altc, max_altc> altc_;
    InlineTable<Media, max_media> media_;
    InlineTable<std::string_view, max_groups> groups_;  ///< the mids of each a=group:BUNDLE
};

}  // namespace sipalg::sdp
