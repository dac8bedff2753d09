// A SIP message as views into its bytes. Nothing is copied, decoded or sorted.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "alg/base/inline_table.hpp"
#include "alg/sip/header.hpp"
#include "alg/sip/via.hpp"

namespace sipalg::sip {

/// One header line. `value` is the text after the colon without white space at its ends; folds inside it
/// (line end and white space, RFC 3261 7.3.1) are kept.
struct Header {
    HeaderId id = HeaderId::other;
    std::string_view value;
};

/// CSeq: sequence number and method.
struct CSeq {
    std::uint32_t number = 0;
    Method method = Method::unknown;
    std::string_view method_name;
};

/// The reason why bytes are not a usable message.
enum class ParseError : std::uint8_t {
    none,
    not_sip,    ///< no SIP start line: keep-alive, STUN, TLS, RTP, HTTP, anything
    malformed,  ///< SIP start line, but the message violates a rule of RFC 3261 that the ALG depends on
    truncated,  ///< Content-Length exceeds the datagram
    too_many_headers,  ///< more known headers than Message::max_headers
};

/// Headers of the table in order of appearance; `other` headers and broken lines are skipped. All views point
/// into the bytes given to parse(), which must outlive the message.
class Message {
  public:
    /// Known headers; a message with more is `too_many_headers` and opens nothing (X6).
    static constexpr std::size_t max_headers = 128;

    /// Reads one datagram. Line ends before the message are skipped (RFC 3261 7.5), and bytes after the body
    /// by Content-Length are not part of the message (RFC 3261 18.3). Linear time, no allocation. After an
    /// error the message must not be used. Only faults of framing, of identity, and of the parts that an ALG
    /// needs make a message malformed (S9): no empty line after the head; a NUL in the head, except after a
    /// backslash, which RFC 3261 allows in quoted strings; a Content-Length that is not a number, or several
    /// different ones; a missing Call-ID, CSeq, From, To or Via, or several different ones of the first four;
    /// a Call-ID that is empty or has control bytes; a topmost Via that cannot be read; a CSeq that is not
    /// "number method", or whose method differs from the request's by more than case; a status outside
    /// 100-699; a wrong SIP version; no Request-URI, or one that begins as only those of HTTP do. A broken
    /// header line is skipped.
    ParseError parse(std::string_view datagram);

    bool is_request() const { return status_ == 0; }
    /// The method of a request, or of a response's CSeq.
    Method method() const { return cseq_.method; }
    std::string_view method_name() const { return cseq_.method_name; }
    /// Without white space and angle brackets at its ends; empty in a response.
    std::string_view request_uri() const { return request_uri_; }
    /// 100 to 699; 0 in a request.
    int status() const { return status_; }

    std::span<const Header> headers() const { return headers_.all(); }
    /// First header with that id, or nullptr.
    const Header* first(HeaderId id) const {
        if (id == HeaderId::other || id >= HeaderId::count_) return nullptr;
        const std::size_t place = first_[static_cast<std::size_t>(id)];
        return place == 0 ? nullptr : &headers_[place - 1];
    }

    /// Whether a header is given several times with the same value. Only known for Call-ID, CSeq, From, To
    /// and Content-Length.
    bool is_repeated(HeaderId id) const { return (repeated_ >> static_cast<unsigned>(id) & 1) != 0; }

    std::string_view call_id() const { return call_id_; }
    const CSeq& cseq() const { return cseq_; }
    /// The Via of the element that sent the request, or that receives the response.
    const Via& top_via() const { return top_via_; }
    std::string_view from_tag() const { return from_.tag; }  ///< empty: none
    std::string_view to_tag() const { return to_.tag; }      ///< empty: none
    /// The text between the angle brackets, or before the parameters. It may be empty, or not a URI, if the
    /// header cannot be read.
    std::string_view from_uri() const { return from_.uri; }
    std::string_view to_uri() const { return to_.uri; }
    /// Everything from the first byte up to and including the empty line.
    std::string_view head() const { return head_; }
    /// The body: as long as Content-Length says, or without it up to the end of the datagram. May be empty.
    std::string_view body() const { return body_; }
    /// The digits of the first Content-Length; nullopt: none. headers() has repetitions with the same value.
    std::optional<std::string_view> content_length() const { return content_length_; }
    /// All bytes given to parse(), including those after the body.
    std::string_view bytes() const { return bytes_; }

  private:
    class Reader;

    /// The URI and the tag of a From or To.
    struct Party {
        std::string_view uri, tag;
    };
    bool read_top_via();
    bool set_method(std::string_view of_start_line);

    std::string_view bytes_, head_, body_, request_uri_, call_id_;
    Party from_, to_;
    std::optional<std::string_view> content_length_;
    CSeq cseq_;
    Via top_via_;
    int status_ = 0;
    std::uint64_t repeated_ = 0;  ///< a bit for each HeaderId
    InlineTable<Header, max_headers> headers_;
    /// The index in headers_ of the first header of each kind, plus one; 0: none.
    std::array<std::uint8_t, static_cast<std::size_t>(HeaderId::count_)> first_{};
};

}  // namespace sipalg::sip
