#include "alg/sip/message.hpp"

#include "alg/sip/header_lines.hpp"
#include "alg/sip/parameters.hpp"
#include "alg/sip/start_line.hpp"
#include "alg/sip/text.hpp"
#include "alg/sip/uri.hpp"
#include "alg/sip/via.hpp"

namespace sipalg::sip {

namespace {

/// Takes the URI out of a From or To and tells where its header parameters begin; nullopt: its quotes or
/// brackets do not close. Unlike in a list a comma has no meaning here, so that an unquoted one in a display
/// name does no harm.
std::optional<std::size_t> read_uri(std::string_view value, std::string_view& uri) {
    std::size_t position = byte_scan::find<'<', ';', '"'>(value);
    while (position < value.size() && value[position] == '"') {
        position = text::skip_quoted(value, position);
        if (position == text::npos) return std::nullopt;
        position = byte_scan::find<'<', ';', '"'>(value, position);
    }
    if (position == value.size() || value[position] != '<') {
        uri = text::trim(value.substr(0, position));
        return position;
    }
    const std::size_t close = byte_scan::find<'>'>(value, position);
    if (close == value.size()) return std::nullopt;
    uri = text::slice(value, position + 1, close);
    position = text::skip(value, close + 1, text::white);
    if (position < value.size() && value[position] != ';') return std::nullopt;
    return position;
}

/// Takes URI and tag out of a From or To. False: the value cannot be read.
bool read_party(std::string_view value, std::string_view& uri, std::string_view& tag) {
    const auto begin = read_uri(value, uri);
    if (!begin) return false;
    if (*begin == value.size()) return true;
    Parameters walk(value, *begin, Parameters::Comma::ordinary);
    while (walk.next())
        if (text::equals(walk.name(), "tag")) {
            tag = walk.value();
            return true;
        }
    return !walk.bad();
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

/// A NUL that no backslash stands before. (The C library is the faster one over a whole head.)
bool has_bare_nul(std::string_view head) {
    for (std::size_t nul = head.find('\0'); nul != text::npos; nul = head.find('\0', nul + 1))
        if (nul == 0 || head[nul - 1] != '\\') return true;
    return false;
}

}  // namespace

/// What parse() keeps in mind between two header lines.
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
        switch (id) {
            case HeaderId::call_id:
                m_.call_id_ = value;
                return !repeated && !value.empty() &&
                       byte_scan::find_kind<byte_scan::SpaceOrControl>(value, 0, value.size()) ==
                           value.size();
            case HeaderId::cseq: return !repeated && read_cseq(value, m_.cseq_);
            case HeaderId::from: return !repeated && read_party(value, m_.from_.uri, m_.from_.tag);
            case HeaderId::to: return !repeated && read_party(value, m_.to_.uri, m_.to_.tag);
            case HeaderId::content_length: {
                const auto length = content_length_value(value);
                if (!length || (repeated && length != length_)) return false;
                if (!repeated) m_.content_length_ = value;
                length_ = length;
                return true;
            }
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
        if (id == HeaderId::other) {
            if (!lines.is_name_token()) return ParseError::malformed;
            continue;
        }
        if (const ParseError error = reader.header(id, lines.value()); error != ParseError::none)
            return error;
    }
    if (step != HeaderLines::Step::end || !reader.complete()) return ParseError::malformed;
    if (!read_top_via()) return ParseError::malformed;
    if (is_request() && cseq_.method_name != start.method) return ParseError::malformed;
    head_ = datagram.substr(0, lines.position());
    if (has_bare_nul(head_)) return ParseError::malformed;
    body_ = datagram.substr(head_.size());
    if (const auto length = reader.length()) {
        if (*length > body_.size()) return ParseError::truncated;
        body_ = body_.substr(0, *length);
    }
    return ParseError::none;
}

// What stands in the same line is read, too: who is to answer needs all of it.
bool Message::read_top_via() {
    std::string_view rest = first(HeaderId::via)->value;
    const auto via = next_via(rest);
    if (!via) return false;
    top_via_ = *via;
    while (skip_to_value(rest) < rest.size())
        if (!next_via(rest)) return false;
    return true;
}

}  // namespace sipalg::sip
