// A SIP message as an overlay of views on the bytes it came in. Nothing is copied, decoded or put in order.
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

/// One header line. `value` is the text behind the colon without white space at its two ends; inner folds
/// (line end and white space, RFC 3261 7.3.1) are still in it.
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

/// Why bytes are not a message that can be acted on.
enum class ParseError : std::uint8_t {
    none,
    not_sip,           ///< no SIP start line: keep-alive, STUN, TLS, RTP, HTTP, anything
    malformed,         ///< SIP start line, but a rule of RFC 3261 that we depend on is broken
    truncated,         ///< Content-Length says more than the datagram has
    too_many_headers,  ///< more known headers than Message::max_headers
};

/// Headers of the table in order of appearance; `other` headers and broken lines are skipped. All views point
/// into the bytes given to parse(), which must outlive the message.
class Message {
  public:
    /// Known headers; a message with more is `too_many_headers` and opens nothing (X6).
    static constexpr std::size_t max_headers = 128;

    /// Reads one datagram (RFC 3261 18.3: bytes after the body by Content-Length are not part of the
    /// message), past line ends in front of it (RFC 3261 7.5). Linear in the input, allocates nothing. On an
    /// error the message must not be used. Only faults of framing, identity and of the parts that an ALG
    /// needs make it malformed (S9): no empty line behind the head; a NUL in the head (but for "\\" NUL,
    /// which RFC 3261 allows in quoted strings); a Content-Length that is no number, or several that differ;
    /// a missing Call-ID, CSeq, From, To or Via, or several of the first four that differ; a Call-ID that is
    /// empty or has control bytes; a topmost Via that cannot be read; a CSeq that is not "number method", or
    /// whose method differs from the request's by more than case; a status outside 100-699; a wrong SIP
    /// version; no Request-URI, or one that begins as only HTTP's do. A broken header line is passed over.
    ParseError parse(std::string_view datagram);

    bool is_request() const { return status_ == 0; }
    /// Request: its method. Response: that of the CSeq.
    Method method() const { return cseq_.method; }
    std::string_view method_name() const { return cseq_.method_name; }
    /// Without white space and brackets at its ends; empty in a response.
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

    /// Whether a header that has one value is given several times, with the same value: only Call-ID, CSeq,
    /// From, To and Content-Length are watched for that.
    bool is_repeated(HeaderId id) const { return (repeated_ >> static_cast<unsigned>(id) & 1) != 0; }

    std::string_view call_id() const { return call_id_; }
    const CSeq& cseq() const { return cseq_; }
    /// Of the element that sent the request, or is to get the response.
    const Via& top_via() const { return top_via_; }
    std::string_view from_tag() const { return from_.tag; }  ///< empty: none
    std::string_view to_tag() const { return to_.tag; }      ///< empty: none
    /// Between the brackets, or the text before the parameters. Empty or no URI where it cannot be read.
    std::string_view from_uri() const { return from_.uri; }
    std::string_view to_uri() const { return to_.uri; }
    /// Everything from the first byte up to and including the empty line.
    std::string_view head() const { return head_; }
    /// By Content-Length, or to the end of the datagram without it. May be empty.
    std::string_view body() const { return body_; }
    /// The digits of the first Content-Length, if the header is there. It may be repeated with the same
    /// value; headers() has all of them.
    std::optional<std::string_view> content_length() const { return content_length_; }
    /// All bytes given to parse(), with those that follow the body.
    std::string_view bytes() const { return bytes_; }

  private:
    class Reader;

    /// URI and tag of a From or To.
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
    /// Place of the first header of each kind in headers_, plus one; 0: none.
    std::array<std::uint8_t, static_cast<std::size_t>(HeaderId::count_)> first_{};
};

}  // namespace sipalg::sip
