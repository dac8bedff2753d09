#include "alg/sdp/description.hpp"

#include <algorithm>

#include "alg/base/byte_scan.hpp"
#include "alg/sip/text.hpp"

namespace sipalg::sdp {

namespace {

/// The words of a line, separated by blanks. The grammar has single spaces, but senders use any number.
class Words {
  public:
    Words(std::string_view text, std::size_t begin, std::size_t end)
        : text_(text), position_(begin), end_(end) {}
    explicit Words(std::string_view line) : Words(line, 0, line.size()) {}

    /// Empty at the end.
    std::string_view next() {
        while (position_ < end_ && text::is_blank(text_[position_]))
            ++position_;
        const std::size_t begin = position_;
        position_ = byte_scan::find<' ', '\t'>(text_, begin, end_);
        return text::slice(text_, begin, position_);
    }
    /// Removes the last word and returns it.
    std::string_view last() {
        const char* const begin = text_.data() + position_;
        const char* end = text_.data() + end_;
        while (end > begin && text::is_blank(end[-1]))
            --end;
        const char* word = end;
        while (word > begin && !text::is_blank(word[-1]))
            --word;
        end_ = static_cast<std::size_t>(word - text_.data());
        return {word, static_cast<std::size_t>(end - word)};
    }
    /// The remaining text, without blanks at its ends.
    std::string_view rest() const { return text::trim(text::slice(text_, position_, end_)); }

  private:
    std::string_view text_;
    std::size_t position_, end_;
};

std::optional<std::uint16_t> port_number(std::string_view digits) {
    const auto value = text::number(digits, 65535);
    if (!value) return std::nullopt;
    return static_cast<std::uint16_t>(*value);
}

/// nettype addrtype connection-address. Networks other than IN have no address. `origin` was read before and
/// usually has the same address.
void read_address(Words& words, const AddressField& origin, AddressField& field) {
    const bool internet = text::equals(words.next(), "in");
    field.type = words.next();
    field.text = words.next();
    if (internet && origin.address && field.text == origin.text) {
        field.address = origin.address;
        return;
    }
    field.text = field.text.substr(0, field.text.find('/'));
    // An IPv6 address in brackets, as in a URI (S9).
    if (field.text.size() > 2 && field.text.front() == '[' && field.text.back() == ']')
        field.text = field.text.substr(1, field.text.size() - 2);
    if (internet) field.address = Address::parse(field.text);
}

/// Whether "… tcptype passive" or "… tcptype so" follows (RFC 6544 4.5).
bool is_listening_type(Words words) {
    for (std::string_view name = words.next(); !name.empty(); name = words.next()) {
        const std::string_view value = words.next();
        if (text::equals(name, "tcptype")) return text::equals(value, "passive") || text::equals(value, "so");
    }
    return false;
}

/// RFC 8839 5.1: foundation component transport priority address port "typ" type …
std::optional<Candidate> read_candidate(Words words) {
    std::optional<Candidate> result(std::in_place);
    words.next();
    const auto component = text::number(words.next(), 255);
    const std::string_view transport = words.next();
    words.next();
    result->address.text = words.next();
    result->port_text = words.next();
    const auto port = port_number(result->port_text);
    const bool typed = text::equals(words.next(), "typ");
    result->host = text::equals(words.next(), "host");
    result->tcp = text::equals(transport, "tcp");
    if (component && port && typed && (result->tcp || text::equals(transport, "udp"))) {
        result->component = static_cast<std::uint8_t>(*component);
        result->port = *port;
        result->address.address = Address::parse(result->address.text);
        result->receives = !result->tcp || is_listening_type(words);
    } else {
        result.reset();
    }
    return result;
}

/// RFC 3605: port [nettype addrtype connection-address]
std::optional<Rtcp> read_rtcp(Words words, const AddressField& origin) {
    std::optional<Rtcp> result(std::in_place);
    result->port_text = words.next();
    if (const auto port = port_number(result->port_text)) {
        result->port = *port;
        read_address(words, origin, result->address);
    } else {
        result.reset();
    }
    return result;
}

/// RFC 6947: number addrtype connection-address port
std::optional<Altc> read_altc(Words words) {
    std::optional<Altc> result(std::in_place);
    words.next();
    result->address.type = words.next();
    result->address.text = words.next();
    result->port_text = words.next();
    if (const auto port = port_number(result->port_text)) {
        result->port = *port;
        result->address.address = Address::parse(result->address.text);
    } else {
        result.reset();
    }
    return result;
}

/// X-Lite's a=alt: number, preference, ":", two tokens, connection-address port.
std::optional<Altc> read_alt(Words words) {
    std::optional<Altc> result(std::in_place);
    result->port_text = words.last();
    result->address.text = words.last();
    const auto port = port_number(result->port_text);
    result->address.address = Address::parse(result->address.text);
    if (port && result->address.address)
        result->port = *port;
    else
        result.reset();
    return result;
}

std::optional<Direction> direction(std::string_view name) {
    if (text::equals(name, "sendrecv")) return Direction::sendrecv;
    if (text::equals(name, "sendonly")) return Direction::sendonly;
    if (text::equals(name, "recvonly")) return Direction::recvonly;
    if (text::equals(name, "inactive")) return Direction::inactive;
    return std::nullopt;
}

/// The end of the line before `line_feed` or the end of the text.
std::size_t line_end(std::string_view text, std::size_t line_feed) {
    return line_feed > 0 && text[line_feed - 1] == '\r' ? line_feed - 1 : line_feed;
}

/// A line "x=…": its letter and the range of its value.
struct Line {
    char letter;
    std::size_t value, end;
};

/// Reads the line from `begin` to `end`. Blanks before the letter and before the '=' are wrong, but harmless
/// (S9). nullopt: not such a line.
std::optional<Line> read_line(std::string_view text, std::size_t begin, std::size_t end) {
    const auto skip_blanks = [&](std::size_t at) {
        while (at < end && text::is_blank(text[at]))
            ++at;
        return at;
    };
    const std::size_t letter = skip_blanks(begin);
    const std::size_t equals = skip_blanks(letter + 1);
    if (equals >= end || text[equals] != '=') return std::nullopt;
    return Line{text[letter], equals + 1, end};
}

/// The beginning of the first line of a description, after a byte order mark and empty lines, which are
/// tolerated (S9). npos: not a description, because the first line does not belong to one or has another
/// version. The v= line or its number may be missing.
std::size_t find_first_line(std::string_view text) {
    constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
    std::size_t begin = text::skip(text, 0, text::white);
    if (text.substr(begin, byte_order_mark.size()) == byte_order_mark)
        begin = text::skip(text, begin + byte_order_mark.size(), text::white);
    const std::size_t end = byte_scan::find<'\n'>(text, begin);
    const auto line = read_line(text, begin, end);
    if (!line || !text::is(line->letter, text::letter)) return text::npos;
    if (line->letter != 'v') return begin;
    const std::string_view version = text::trim(text::slice(text, line->value, end));
    return version.empty() || version == "0" ? begin : text::npos;
}

}  // namespace

/// The state of parse() between two lines. Functions return false if a table is full and the other lines
/// would be misread without its rows.
class Description::Reader {
  public:
    Reader(Description& description, std::string_view text) : d_(description), text_(text) {}

    /// The line from `begin` to `line_feed`, which is the size of the text after the last one.
    bool line(std::size_t begin, std::size_t line_feed) {
        if (passes_over_) return true;
        const std::size_t value = begin + 2;
        if (value <= line_feed && text_[begin + 1] == '=') {                        // the usual form
            if (text_[begin] == 'a' && !may_matter(value, line_feed)) return true;  // most lines
            return line_of(text_[begin], value, line_end(text_, line_feed));
        }
        const auto odd = read_line(text_, begin, line_end(text_, line_feed));
        return !odd || line_of(odd->letter, odd->value, odd->end);
    }

  private:
    bool line_of(char letter, std::size_t value, std::size_t end) {
        switch (letter) {
            case 'a': return attribute(value, end);
            case 'c': return connection({text_, value, end});
            case 'm': media({text_, value, end}); return true;
            case 'o': origin({text_, value, end}); return true;
            default: return true;
        }
    }

    // The four functions below are not part of line_of(), because most lines need none of them, and inlining
    // would take registers.
    [[gnu::noinline]] void origin(Words words) {
        AddressField& field = d_.origin_;
        if (!field.text.empty()) return;  // a description has one; of several the first one counts
        const Words whole = words;
        const std::string_view user = words.next(), session = words.next();
        d_.origin_version_ = words.next();
        std::string_view network = words.next();
        field.type = words.next();
        field.text = words.next();
        d_.origin_session_ = {user.data(),
                              static_cast<std::size_t>(session.data() - user.data()) + session.size()};
        if (field.text.empty() || !words.rest().empty()) {
            // Reads from the end of the line: a user name with spaces is wrong, but harmless.
            words = whole;
            field.text = words.last();
            field.type = words.last();
            network = words.last();
            d_.origin_version_ = words.last();
            d_.origin_session_ = words.rest();
        }
        if (text::equals(network, "in")) field.address = Address::parse(field.text);
    }

    [[gnu::noinline]] bool connection(Words words) {
        AddressField* field = d_.connections_.add();
        if (!field) return false;
        read_address(words, d_.origin_, *field);
        if (media_)
            ++media_->connection_count;
        else
            ++d_.session_connections_;
        return true;
    }

    // m=<media> <port>[/<number of ports>] <proto> <fmt> …
    [[gnu::noinline]] void media(Words words) {
        media_ = d_.media_.add();
        passes_over_ = !media_;
        if (!media_) return;
        media_->type = words.next();
        const std::string_view ports = words.next();
        media_->proto = words.next();
        std::size_t digits = 0;
        const auto port = text::read_number(ports, digits, 65535);
        bool readable = port && digits == ports.size();
        if (!readable) {
            const std::size_t slash = std::min(ports.find('/'), ports.size());
            readable = port && digits == slash;
            digits = slash;
            if (slash < ports.size()) media_->port_count = port_number(ports.substr(slash + 1)).value_or(0);
        }
        media_->port_text = ports.substr(0, digits);
        media_->port = readable ? static_cast<std::uint16_t>(*port) : std::uint16_t{0};
        media_->well_formed = readable && media_->port_count > 0 && !media_->proto.empty();
        media_->direction = session_direction_;
        media_->setup = session_setup_;
        media_->connection_begin = static_cast<std::uint16_t>(d_.connections_.size());
        media_->candidate_begin = static_cast<std::uint16_t>(d_.candidates_.size());
        media_->altc_begin = static_cast<std::uint16_t>(d_.altc_.size());
    }

    /// Most attributes do not matter to an ALG. The first letter decides, or the third one for "rtpmap", the
    /// most frequent one.
    bool may_matter(std::size_t begin, std::size_t end) const {
        if (end - begin < 3) return false;
        constexpr auto bit = [](char c) {
            return std::uint32_t{1} << (static_cast<unsigned char>(c) & 0x1f);
        };
        constexpr std::uint32_t letters = bit(' ') | bit('a') | bit('b') | bit('c') | bit('g') | bit('i') |
                                          bit('m') | bit('p') | bit('r') | bit('s');
        return (letters & bit(text_[begin])) != 0 && (text_[begin] != 'r' || text_[begin + 2] != 'p');
    }

    // a=<name>[:<value>]
    [[gnu::noinline]] bool attribute(std::size_t begin, std::size_t end) {
        while (begin < end && text_[begin] == ' ')
            ++begin;
        const std::size_t colon = byte_scan::find<':'>(text_, begin, end);
        const std::string_view name = text::slice(text_, begin, colon);
        if (colon == end) {
            flag(text::trim(name));
            return true;
        }
        const Words words(text_, colon + 1, end);
        if (!media_) return session_attribute(name, words);
        media_attribute(name, words);
        return true;
    }

    bool session_attribute(std::string_view name, Words words) {
        if (text::equals(name, "setup")) {
            session_setup_ = words.rest();
        } else if (text::equals(name, "group") && text::equals(words.next(), "bundle")) {
            return d_.groups_.add(words.rest()) != nullptr;
        }
        return true;
    }

    void media_attribute(std::string_view name, Words words) {
        switch (name.size()) {
            case 3:
                if (text::equals(name, "mid")) media_->mid = words.rest();
                if (text::equals(name, "alt")) add(read_alt(words), d_.altc_, media_->altc_count);
                break;
            case 4:
                if (text::equals(name, "rtcp") && !media_->rtcp) media_->rtcp = read_rtcp(words, d_.origin_);
                if (text::equals(name, "path")) media_->path = words.rest();
                if (text::equals(name, "altc")) add(read_altc(words), d_.altc_, media_->altc_count);
                break;
            case 5:
                if (text::equals(name, "setup")) media_->setup = words.rest();
                break;
            case 9:
                if (text::equals(name, "candidate"))
                    add(read_candidate(words), d_.candidates_, media_->candidate_count);
                break;
            case 17:
                if (text::equals(name, "remote-candidates")) media_->remote_candidates = words.rest();
                break;
            default: break;
        }
    }

    void flag(std::string_view name) {
        if (const auto found = direction(name)) {
            (media_ ? media_->direction : session_direction_) = *found;
        } else if (media_) {
            if (text::equals(name, "rtcp-mux")) media_->rtcp_mux = true;
            if (text::equals(name, "rtcp-mux-only")) media_->rtcp_mux_only = true;
            if (text::equals(name, "bundle-only")) media_->bundle_only = true;
        }
    }

    // Entries that do not fit into the table are skipped.
    template <class T, std::size_t N>
    static void add(const std::optional<T>& found, InlineTable<T, N>& table, std::uint16_t& count) {
        if (found && table.add(*found)) ++count;
    }

    Description& d_;
    std::string_view text_;
    bool passes_over_ = false;  // the table of media sections is full
    Media* media_ = nullptr;    // the section that the lines belong to; nullptr: the session's
    Direction session_direction_ = Direction::sendrecv;
    std::string_view session_setup_;
};

bool Description::parse(std::string_view text) {
    text_ = text;
    origin_session_ = origin_version_ = {};
    origin_ = {};
    session_connections_ = 0;
    connections_.clear();
    candidates_.clear();
    altc_.clear();
    media_.clear();
    groups_.clear();

    std::size_t begin = find_first_line(text);
    if (begin == text::npos) return false;
    Reader reader(*this, text);
    byte_scan::Matches<byte_scan::OneOf<'\n'>> line_feeds(text, begin, text.size());
    while (begin < text.size()) {
        const std::size_t line_feed = line_feeds.next();
        if (!reader.line(begin, line_feed)) return false;
        begin = line_feed + 1;
    }
    return true;
}

const AddressField& Description::connection(const Media& media) const {
    static const AddressField none;
    if (media.connection_count > 0) return connections_[media.connection_begin];
    return session_connections_ > 0 ? connections_[0] : none;
}

bool Description::bundled(const Media& media) const {
    if (media.mid.empty()) return false;
    for (const std::string_view group : groups_.all()) {
        Words mids(group);
        if (mids.next() == media.mid) continue;
        for (std::string_view mid = mids.next(); !mid.empty(); mid = mids.next())
            if (mid == media.mid) return true;
    }
    return false;
}

}  // namespace sipalg::sdp
