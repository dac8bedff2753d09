#include "alg/sip/message.hpp"

#include "alg/sip/header_lines.hpp"
#include "alg/sip/name_addr.hpp"
#include "alg/sip/parameters.hpp"
#include "alg/sip/start_line.hpp"
#include "alg/sip/text.hpp"
#include "alg/sip/via.hpp"

namespace sipalg::sip {

namespace {

/// Reads the URI and the tag of a From or To.
void read_party(std::string_view value, std::string_view& uri, std::string_view& tag) {
    const UriPlace place = find_single_uri(value);
    uri = place.uri;
    if (place.end == value.size()) return;
    Parameters walk(value, place.end, Parameters::Comma::ordinary);
    while (walk.next())
        if (text::equals(walk.name(), "tag")) {
            tag = walk.value();
            return;
        }
}

bool read_cseq(std::string_view value, CSeq& cseq) {
    std::size_t digits = 0;
    const auto number = text::read_number(value, digits, 0xffffffff);
    const std::size_t name = text::skip(value, digits, text::white);
    if (!number || name == digits || name == value.size()) return false;
    cseq.number = *number;
    cseq.method_name = value.substr(name);
    cseq.method = method(cseq.method_name);
    return cseq.method != Method::unknown || text::is_token(value, name, value.size());
}

/// Whether a Call-ID is not empty and has no control bytes. A blank inside is part of the value (S9).
bool is_call_id(std::string_view value) {
    for (std::size_t i = 0;; ++i) {
        i = byte_scan::find_kind<byte_scan::SpaceOrControl>(value, i);
        if (i == value.size()) return !value.empty();
        if (value[i] != ' ') return false;
    }
}

/// Whether there is a NUL without a backslash before it. (For a whole head the C library is faster than
/// byte_scan.)
bool has_bare_nul(std::string_view head) {
    for (std::size_t nul = head.find('\0'); nul != text::npos; nul = head.find('\0', nul + 1))
        if (nul == 0 || head[nul - 1] != '\\') return true;
    return false;
}

}  // namespace

/// The state of parse() between two header lines.
class Message::Reader {
  public:
    explicit Reader(Message& message) : m_(message) {}

    ParseError header(HeaderId id, std::string_view value) {
        std::uint8_t& first = m_.first_[static_cast<std::size_t>(id)];
        const bool repeated = first != 0;
        if (!m_.headers_.add({id, value})) return ParseError::too_many_headers;
        if (!repeated) first = static_cast<std::uint8_t>(m_.headers_.size());
        return !is_checked(id) || good(id, value, repeated) ? ParseError::none : ParseError::malformed;
    }

    bool complete() const {
        for (const HeaderId id :
             {HeaderId::via, HeaderId::from, HeaderId::to, HeaderId::call_id, HeaderId::cseq})
            if (m_.first_[static_cast<std::size_t>(id)] == 0) return false;
        return true;
    }
    std::optional<std::uint32_t> length() const { return length_; }

  private:
    static bool is_checked(HeaderId id) {
        const auto bit = [](HeaderId wanted) { return std::uint64_t{1} << static_cast<unsigned>(wanted); };
        static_assert(static_cast<unsigned>(HeaderId::count_) <= 64);
        return ((bit(HeaderId::call_id) | bit(HeaderId::cseq) | bit(HeaderId::from) | bit(HeaderId::to) |
                 bit(HeaderId::content_length)) &
                bit(id)) != 0;
    }

    bool good(HeaderId id, std::string_view value, bool repeated) {
        if (repeated) m_.repeated_ |= std::uint64_t{1} << static_cast<unsigned>(id);
        if (id == HeaderId::content_length) {
            const auto length = content_length_value(value);
            if (!length || (repeated && length != length_)) return false;
            if (!repeated) m_.content_length_ = value;
            length_ = length;
            return true;
        }
        // Equal values are harmless. If values differ, it is unknown which one the two ends use.
        if (repeated) return value == m_.first(id)->value;
        switch (id) {
            case HeaderId::call_id: m_.call_id_ = value; return is_call_id(value);
            case HeaderId::cseq: return read_cseq(value, m_.cseq_);
            case HeaderId::from: read_party(value, m_.from_.uri, m_.from_.tag); return true;
            case HeaderId::to: read_party(value, m_.to_.uri, m_.to_.tag); return true;
            default: return true;
        }
    }

    Message& m_;
    std::optional<std::uint32_t> length_;
};

ParseError Message::parse(std::string_view datagram) {
    bytes_ = datagram;
    head_ = body_ = request_uri_ = call_id_ = {};
    from_ = to_ = {};
    content_length_.reset();
    cseq_ = {};
    status_ = 0;
    repeated_ = 0;
    headers_.clear();
    first_.fill(0);

    const std::size_t begin = skip_line_ends(datagram);
    std::size_t line_end = byte_scan::find<'\n'>(datagram, begin);
    const std::size_t headers_begin = line_end < datagram.size() ? line_end + 1 : line_end;
    if (line_end > begin && datagram[line_end - 1] == '\r') --line_end;
    const StartLine start = parse_start_line(text::slice(datagram, begin, line_end));
    if (start.kind == StartLine::Kind::not_sip) return ParseError::not_sip;
    if (start.kind == StartLine::Kind::malformed) return ParseError::malformed;
    request_uri_ = start.request_uri;
    status_ = start.status;

    Reader reader(*this);
    HeaderLines lines(datagram, headers_begin);
    HeaderLines::Step step;
    while ((step = lines.next()) == HeaderLines::Step::header) {
        const HeaderId id = header_id(lines.name());
        if (id == HeaderId::other) continue;
        if (const ParseError error = reader.header(id, lines.value()); error != ParseError::none)
            return error;
    }
    if (step != HeaderLines::Step::end || !reader.complete()) return ParseError::malformed;
    if (!read_top_via()) return ParseError::malformed;
    if (!set_method(start.method)) return ParseError::malformed;
    head_ = datagram.substr(0, lines.position());
    if (has_bare_nul(head_)) return ParseError::malformed;
    body_ = datagram.substr(head_.size());
    if (const auto length = reader.length()) {
        if (*length > body_.size()) return ParseError::truncated;
        body_ = body_.substr(0, *length);
    }
    return ParseError::none;
}

// Some devices write the method in CSeq in another case than in the start line (S9). In a request the start
// line decides; a response only has the CSeq that was copied from the request.
bool Message::set_method(std::string_view of_start_line) {
    if (is_request() && cseq_.method_name == of_start_line) return true;
    if (is_request()) {
        cseq_.method = sip::method(of_start_line);
        return text::equal_but_case(cseq_.method_name, of_start_line);
    }
    if (cseq_.method == Method::unknown) cseq_.method = method_in_any_case(cseq_.method_name);
    return true;
}

// The values after it, in the same line or below, belong to other hops.
bool Message::read_top_via() {
    std::string_view rest = first(HeaderId::via)->value;
    top_via_ = {};
    return next_via(rest, top_via_);
}

}  // namespace sipalg::sip
