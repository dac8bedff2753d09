#include "alg/sdp/description.hpp"

#include "alg/sip/text.hpp"

namespace sipalg::sdp {

namespace {

/// Takes the next word off `rest`; empty at the end. The grammar has single spaces, senders have what they
/// like.
std::string_view next_word(std::string_view& rest) {
    std::size_t begin = 0;
    while (begin < rest.size() && (rest[begin] == ' ' || rest[begin] == '\t'))
        ++begin;
    std::size_t end = begin;
    while (end < rest.size() && rest[end] != ' ' && rest[end] != '\t')
        ++end;
    const std::string_view word = text::slice(rest, begin, end);
    rest.remove_prefix(end);
    return word;
}

/// Takes the last word off `rest`; empty at the beginning.
std::string_view last_word(std::string_view& rest) {
    rest = text::trim(rest);
    const std::size_t space = rest.find_last_of(" \t");
    const std::size_t begin = space == text::npos ? 0 : space + 1;
    const std::string_view word = rest.substr(begin);
    rest.remove_suffix(word.size());
    return word;
}

std::optional<std::uint16_t> port_number(std::string_view digits) {
    const auto value = text::number(digits, 65535);
    if (!value) return std::nullopt;
    return static_cast<std::uint16_t>(*value);
}

/// nettype addrtype connection-address, in this order off `rest`. Other networks than IN have no address.
AddressField read_address(std::string_view& rest) {
    AddressField field;
    const bool internet = text::equals(next_word(rest), "in");
    field.type = next_word(rest);
    field.text = next_word(rest);
    field.text = field.text.substr(0, field.text.find('/'));
    if (internet) field.address = Address::parse(field.text);
    return field;
}

/// RFC 8839 5.1: foundation component transport priority address port "typ" type …
std::optional<Candidate> read_candidate(std::string_view rest) {
    Candidate candidate;
    next_word(rest);
    const auto component = text::number(next_word(rest), 255);
    const std::string_view transport = next_word(rest);
    next_word(rest);
    candidate.address.text = next_word(rest);
    candidate.port_text = next_word(rest);
    const auto port = port_number(candidate.port_text);
    candidate.tcp = text::equals(transport, "tcp");
    if (!component || !port || (!candidate.tcp && !text::equals(transport, "udp"))) return std::nullopt;
    if (!text::equals(next_word(rest), "typ")) return std::nullopt;
    candidate.host = text::equals(next_word(rest), "host");
    candidate.component = static_cast<std::uint8_t>(*component);
    candidate.port = *port;
    candidate.address.address = Address::parse(candidate.address.text);
    return candidate;
}

/// RFC 3605: port [nettype addrtype connection-address]
std::optional<Rtcp> read_rtcp(std::string_view rest) {
    Rtcp rtcp;
    rtcp.port_text = next_word(rest);
    const auto port = port_number(rtcp.port_text);
    if (!port) return std::nullopt;
    rtcp.port = *port;
    rtcp.address = read_address(rest);
    return rtcp;
}

/// RFC 6947: number addrtype connection-address port
std::optional<Altc> read_altc(std::string_view rest) {
    Altc altc;
    next_word(rest);
    altc.address.type = next_word(rest);
    altc.address.text = next_word(rest);
    altc.port_text = next_word(rest);
    const auto port = port_number(altc.port_text);
    if (!port) return std::nullopt;
    altc.port = *port;
    altc.address.address = Address::parse(altc.address.text);
    return altc;
}

std::optional<Direction> direction(std::string_view name) {
    if (name == "sendrecv") return Direction::sendrecv;
    if (name == "sendonly") return Direction::sendonly;
    if (name == "recvonly") return Direction::recvonly;
    if (name == "inactive") return Direction::inactive;
    return std::nullopt;
}

}  // namespace

/// What parse() keeps in mind between two lines. Each function is false when a table is full.
class Description::Reader {
  public:
    explicit Reader(Description& description) : d_(description) {}

    bool line(char type, std::string_view value) {
        switch (type) {
            case 'a': return attribute(value);
            case 'c': return connection(value);
            case 'm': return media(value);
            case 'o': origin(value); return true;
            default: return true;
        }
    }

  private:
    void origin(std::string_view value) {
        // From its end: a user name with spaces in it is wrong, but harmless.
        AddressField& field = d_.origin_;
        field.text = last_word(value);
        field.type = last_word(value);
        if (text::equals(last_word(value), "in")) field.address = Address::parse(field.text);
        d_.origin_version_ = last_word(value);
        d_.origin_session_ = text::trim(value);
    }

    bool connection(std::string_view value) {
        if (!d_.connections_.add(read_address(value))) return false;
        if (media_)
            ++media_->connection_count;
        else
            ++d_.session_connections_;
        return true;
    }

    // m=<media> <port>[/<number of ports>] <proto> <fmt> …
    bool media(std::string_view value) {
        Media media;
        media.type = next_word(value);
        const std::string_view ports = next_word(value);
        media.proto = next_word(value);
        const std::size_t slash = ports.find('/');
        media.port_text = ports.substr(0, slash);
        const auto port = port_number(media.port_text);
        const auto count = slash == text::npos ? std::uint16_t{1} : port_number(ports.substr(slash + 1));
        media.port = port.value_or(0);
        media.port_count = count.value_or(0);
        media.well_formed = port && media.port_count > 0 && !media.proto.empty();
        media.direction = session_direction_;
        media.setup = session_setup_;
        media.connection_begin = static_cast<std::uint16_t>(d_.connections_.size());
        media.candidate_begin = static_cast<std::uint16_t>(d_.candidates_.size());
        media.altc_begin = static_cast<std::uint16_t>(d_.altc_.size());
        media_ = d_.media_.add(media);
        return media_ != nullptr;
    }

    bool attribute(std::string_view attribute) {
        const std::size_t colon = attribute.find(':');
        if (colon == text::npos) {
            flag(text::trim(attribute));
            return true;
        }
        const std::string_view name = attribute.substr(0, colon);
        const std::string_view value = text::trim(attribute.substr(colon + 1));
        if (!media_) {
            if (name == "setup") session_setup_ = value;
            if (name == "group") return group(value);
            return true;
        }
        if (name == "candidate") return candidate(value);
        if (name == "altc") return altc(value);
        if (name == "rtcp") {
            if (!media_->rtcp) media_->rtcp = read_rtcp(value);
        } else if (name == "setup") {
            media_->setup = value;
        } else if (name == "mid") {
            media_->mid = value;
        } else if (name == "path") {
            media_->path = value;
        }
        return true;
    }

    void flag(std::string_view name) {
        if (const auto found = direction(name)) {
            (media_ ? media_->direction : session_direction_) = *found;
        } else if (media_) {
            if (name == "rtcp-mux") media_->rtcp_mux = true;
            if (name == "rtcp-mux-only") media_->rtcp_mux_only = true;
            if (name == "bundle-only") media_->bundle_only = true;
        }
    }

    bool group(std::string_view value) {
        return !text::equals(next_word(value), "bundle") || d_.groups_.add(value);
    }

    bool candidate(std::string_view value) {
        const auto found = read_candidate(value);
        if (!found) return true;
        ++media_->candidate_count;
        return d_.candidates_.add(*found) != nullptr;
    }

    bool altc(std::string_view value) {
        const auto found = read_altc(value);
        if (!found) return true;
        ++media_->altc_count;
        return d_.altc_.add(*found) != nullptr;
    }

    Description& d_;
    Media* media_ = nullptr;  // the section that the lines belong to; nullptr: the session's
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

    Reader reader(*this);
    bool first = true;
    for (std::size_t begin = 0; begin < text.size();) {
        std::size_t end = text.find('\n', begin);
        if (end == text::npos) end = text.size();
        std::string_view line = text::slice(text, begin, end);
        if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
        begin = end + 1;
        if (first && line != "v=0") return false;
        first = false;
        if (line.size() >= 2 && line[1] == '=' && !reader.line(line[0], line.substr(2))) return false;
    }
    return !first;
}

const AddressField& Description::connection(const Media& media) const {
    static const AddressField none;
    if (media.connection_count > 0) return connections_[media.connection_begin];
    return session_connections_ > 0 ? connections_[0] : none;
}

bool Description::bundled(const Media& media) const {
    if (media.mid.empty()) return false;
    for (std::string_view mids : groups_.all()) {
        if (next_word(mids) == media.mid) continue;
        for (std::string_view mid = next_word(mids); !mid.empty(); mid = next_word(mids))
            if (mid == media.mid) return true;
    }
    return false;
}

}  // namespace sipalg::sdp
