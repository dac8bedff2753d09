#include "alg/sip/via.hpp"

#include "alg/sip/name_addr.hpp"
#include "alg/sip/parameters.hpp"
#include "alg/sip/text.hpp"

namespace sipalg::sip {

namespace {

/// Reads "SIP / 2.0 / UDP" at `position`, moves `position` after it and returns the transport. Empty: no such
/// text.
std::string_view read_transport(std::string_view s, std::size_t& position) {
    // The usual form; the slow path below reads single words with white space between them.
    constexpr std::string_view usual = "sip/2.0/";
    if (text::starts_with(s.substr(position), usual)) {
        const std::size_t begin = text::skip(s, position + usual.size(), text::white);
        position = text::skip(s, begin, text::token);
        return text::slice(s, begin, position);
    }
    for (const std::string_view word : {"sip", "2.0"}) {
        if (!text::starts_with(s.substr(position), word)) return {};
        position = text::skip(s, position + word.size(), text::white);
        if (position == s.size() || s[position] != '/') return {};
        position = text::skip(s, position + 1, text::white);
    }
    const std::size_t begin = position;
    position = text::skip(s, begin, text::token);
    return text::slice(s, begin, position);
}

/// Reads the via-parm at `begin`, and moves `position` after it.
bool read_via(std::string_view s, std::size_t begin, std::size_t& position, Via& via) {
    position = begin;
    via.transport = read_transport(s, position);
    if (via.transport.empty() || position == s.size() || !text::is(s[position], text::white)) return false;
    position = text::skip(s, position, text::white);
    if (!read_host_port(s, position, via.sent_by)) return false;
    std::size_t end = position;
    position = text::skip(s, position, text::white);
    if (position < s.size() && s[position] == ';') {
        const std::size_t parameters = position + 1;
        Parameters walk(s, parameters, Parameters::Comma::ends);
        while (walk.next()) {
            const std::string_view name = walk.name();
            if (text::equals(name, "branch"))
                via.branch = walk.value();
            else if (text::equals(name, "received"))
                via.received = walk.value();
            else if (text::equals(name, "rport"))
                via.rport = walk.value();
            else if (text::equals(name, "maddr"))
                via.maddr = walk.value();
        }
        position = walk.position();
        via.parameters = text::trim(text::slice(s, parameters, position));
        end = position;
    }
    via.text = text::trim(text::slice(s, begin, end));
    return position == s.size() || s[position] == ',';
}

}  // namespace

bool next_via(std::string_view& rest, Via& via) {
    const std::string_view s = rest;
    std::size_t end = 0;
    const bool readable = read_via(s, skip_to_value(s), end, via);
    rest = readable ? s.substr(end) : std::string_view();
    return readable;
}

std::optional<Via> next_via(std::string_view& rest) {
    std::optional<Via> result(std::in_place);
    if (!next_via(rest, *result)) result.reset();
    return result;
}

}  // namespace sipalg::sip
