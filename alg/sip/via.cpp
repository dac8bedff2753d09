#include "alg/sip/via.hpp"

#include "alg/sip/parameters.hpp"
#include "alg/sip/text.hpp"

namespace sipalg::sip {

namespace {

/// "SIP / 2.0 / UDP" at `position`: the transport, `position` behind it. Empty: it is not there.
std::string_view read_transport(std::string_view s, std::size_t& position) {
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

}  // namespace

std::optional<Via> next_via(std::string_view& rest) {
    const std::string_view s = rest;
    rest = {};
    std::size_t position = 0;
    while (position < s.size() && (text::is(s[position], text::white) || s[position] == ','))
        ++position;
    const std::size_t begin = position;

    Via via;
    via.transport = read_transport(s, position);
    if (via.transport.empty() || position == s.size() || !text::is(s[position], text::white))
        return std::nullopt;
    position = text::skip(s, position, text::white);
    const auto sent_by = read_host_port(s, position);
    if (!sent_by) return std::nullopt;
    via.sent_by = *sent_by;
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
        }
        if (walk.bad()) return std::nullopt;
        position = walk.position();
        via.parameters = text::trim(text::slice(s, parameters, position));
        end = position;
    }
    if (position < s.size() && s[position] != ',') return std::nullopt;
    via.text = text::trim(text::slice(s, begin, end));
    rest = s.substr(position);
    return via;
}

}  // namespace sipalg::sip
