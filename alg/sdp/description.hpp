// A session description as views into its text (RFC 8866), with the lines that an ALG reads or changes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "alg/base/inline_table.hpp"
#include "alg/net/address.hpp"

namespace sipalg::sdp {

/// An address in a line: in "c=IN IP4 <address>", at the end of o= and a=rtcp, and in a candidate.
struct AddressField {
    std::string_view text;           ///< without /ttl; empty: the line has none
    std::optional<Address> address;  ///< if it is a literal of either family
    std::string_view type;  ///< "IP4" or "IP6" in the sender's case; empty where the grammar has none
};

enum class Direction : std::uint8_t { sendrecv, sendonly, recvonly, inactive };

/// a=candidate (RFC 8839): the fields that rewriting needs.
struct Candidate {
    std::uint8_t component = 0;  ///< 1 RTP, 2 RTCP
    bool tcp = false;
    bool host = false;  ///< typ host
    /// Whether the other side may send to the candidate: UDP, or TCP of the types passive and so (RFC 6544
    /// 4.1)
    bool receives = false;
    std::string_view port_text;
    std::uint16_t port = 0;
    AddressField address;  ///< type is empty
};

/// a=rtcp (RFC 3605): the port and an optional address.
struct Rtcp {
    std::string_view port_text;
    std::uint16_t port = 0;
    AddressField address;
};

/// a=altc (RFC 6947), and X-Lite's a=alt: an alternative address of either family for the media.
struct Altc {
    AddressField address;
    std::string_view port_text;
    std::uint16_t port = 0;
};

/// One m= section.
struct Media {
    std::string_view type;       ///< "audio", "video", "image", "application", "message" …
    std::string_view port_text;  ///< digits only, without "/count"
    std::uint16_t port = 0;  ///< 0 also for a value that is not a valid number (then well_formed is false)
    std::uint16_t port_count = 1;
    std::string_view proto;  ///< "RTP/AVP", "udptl" …
    bool well_formed = true;
    Direction direction = Direction::sendrecv;  ///< the media's attribute, else the session's
    bool rtcp_mux = false;
    bool rtcp_mux_only = false;
    bool bundle_only = false;
    /// a=setup value: "active", "passive", "actpass" or "holdconn" of the media, else of the session; empty:
    /// none
    std::string_view setup;
    std::string_view mid;
    std::string_view path;  ///< a=path value (RFC 4975): MSRP URIs separated by spaces; empty: none
    /// a=remote-candidates value (RFC 8839 5.2): a list of component, address and port; empty: none
    std::string_view remote_candidates;
    std::optional<Rtcp> rtcp;
    // The positions of its c= lines, candidates and a=altc lines in the tables of the description.
    std::uint16_t connection_begin = 0, connection_count = 0;
    std::uint16_t candidate_begin = 0, candidate_count = 0;
    std::uint16_t altc_begin = 0, altc_count = 0;
};

/// The whole description. Views into the text given to parse().
class Description {
  public:
    /// m= lines of any protocol (D4); further ones are skipped with their attributes
    static constexpr std::size_t max_media = 32;
    static constexpr std::size_t max_connections = 64;  ///< c= lines in total
    static constexpr std::size_t max_groups = 8;        ///< a=group:BUNDLE lines
    static constexpr std::size_t max_candidates = 128;  ///< candidates in total; further ones are skipped
    static constexpr std::size_t max_altc = 64;         ///< a=altc lines in total; further ones are skipped

    /// Reads a description. Lines may end in CRLF or LF, and the last line end may be missing. Unknown lines,
    /// and lines whose value cannot be read, are skipped; a c= or m= line is kept with the part that can be
    /// read. Blanks around the 0 of v=, after "=" and before the first line, a byte order mark, and a missing
    /// v= are accepted (S9). False: the text is not a description (its first line is not "x=…", or v= is not
    /// 0), or it has too many c= lines or groups; nothing may be changed then. Linear time, no allocation.
    bool parse(std::string_view text);

    std::string_view text() const { return text_; }
    const AddressField& origin() const { return origin_; }               ///< the address in o=
    std::string_view origin_session() const { return origin_session_; }  ///< "username sess-id" part of o=
    std::string_view origin_version() const { return origin_version_; }  ///< sess-version of o=
    /// The session's c= lines.
    std::span<const AddressField> connections() const { return connections_.part(0, session_connections_); }
    /// The c= lines of one media.
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
    /// The c= line that applies to a media: its first one, else the first one of the session, else an empty
    /// one.
    const AddressField& connection(const Media& media) const;
    /// Whether the media uses the transport of the first media in its a=group:BUNDLE.
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
