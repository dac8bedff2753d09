// Message, URIs, Via and bodies: whatever the bytes, every view lies inside them, and reading twice gives the
// same.
#include "alg/sip/message.hpp"

#include "alg/sdp/description.hpp"
#include "alg/sip/body.hpp"
#include "alg/sip/name_addr.hpp"
#include "alg/sip/splitter.hpp"
#include "alg/sip/uri.hpp"
#include "alg/sip/via.hpp"
#include "tests/fuzz/inside.hpp"

using namespace sipalg;
using fuzz::require;
using fuzz::require_inside;

namespace {

bool same(std::string_view a, std::string_view b) {
    return a.data() == b.data() && a.size() == b.size();
}

void check_host_port(std::string_view input, const sip::HostPort& hp) {
    require_inside(input, hp.text);
    require_inside(hp.text, hp.host);
    require(!hp.host.empty(), "a host is not empty");
    require(!hp.port || *hp.port > 0, "a port is not 0");
}

void check_uri(std::string_view text) {
    const auto uri = sip::parse_uri(text);
    if (!uri) return;
    for (const std::string_view view : {uri->text, uri->user, uri->parameters, uri->headers})
        require_inside(text, view);
    if (uri->scheme == sip::Uri::Scheme::sip || uri->scheme == sip::Uri::Scheme::sips)
        check_host_port(text, uri->host_port);
    if (const auto value = sip::parameter(uri->parameters, "transport")) require_inside(text, *value);
}

/// Values must be in order and must not overlap, and the rest after each value must be the end of the header.
void check_name_addrs(std::string_view value) {
    std::string_view rest = value;
    while (const auto next = sip::next_name_addr(rest)) {
        require_inside(value, next->text);
        require(!next->uri.empty(), "a value has a URI");
        require_inside(next->text, next->uri);
        require_inside(value, next->parameters);
        require_inside(value, rest);
        require(next->text.data() + next->text.size() <= rest.data() || rest.empty(),
                "values stand in order");
        check_uri(next->uri);
        if (const auto tag = sip::parameter(next->parameters, "tag")) require_inside(value, *tag);
    }
    require(rest.empty(), "a list is read to its end or given up");
}

void check_vias(std::string_view value) {
    std::string_view rest = value;
    while (const auto via = sip::next_via(rest)) {
        for (const std::string_view view : {via->transport, via->sent_by.text, via->branch})
            require_inside(via->text, view);
        require_inside(value, via->text);
        require_inside(value, via->parameters);
        if (via->received) require_inside(via->text, *via->received);
        if (via->rport) require_inside(via->text, *via->rport);
        check_host_port(via->text, via->sent_by);
        require_inside(value, rest);
    }
    require(rest.empty(), "a list is read to its end or given up");
}

void check_message(std::string_view input, const sip::Message& m) {
    require(sip::classify_datagram(input) == sip::Kind::message,
            "what can be read is classified as a message");
    require(same(m.bytes(), input), "bytes() is the input");
    require(m.head().data() == input.data(), "the head is at the front");
    require(m.body().data() == m.head().data() + m.head().size(), "the body follows the head");
    require_inside(input, m.body());
    for (const std::string_view view :
         {m.request_uri(), m.call_id(), m.from_tag(), m.to_tag(), m.method_name()})
        require_inside(m.head(), view);
    require(m.is_request() ? !m.request_uri().empty() : m.status() >= 100 && m.status() <= 699, "start line");
    require(!m.call_id().empty() && !m.method_name().empty(), "a message has a Call-ID and a method");
    for (const sip::Header& header : m.headers()) {
        require_inside(m.head(), header.value);
        require(header.id != sip::HeaderId::other, "only known headers are kept");
        require(m.first(header.id) != nullptr, "a header that is there is found");
        check_name_addrs(header.value);
        check_vias(header.value);
    }
    check_uri(m.request_uri());
    const sip::Bodies bodies = sip::find_sdp(m);
    require(bodies.sdp.size() <= sip::Bodies::max_sdp, "descriptions are bounded");
    for (std::size_t i = 0; i < bodies.sdp.size(); ++i) {
        require_inside(m.body(), bodies.sdp[i].text);
        if (bodies.sdp[i].content_length) require_inside(m.body(), *bodies.sdp[i].content_length);
        if (i > 0)
            require(
                bodies.sdp[i - 1].text.data() + bodies.sdp[i - 1].text.size() <= bodies.sdp[i].text.data(),
                "descriptions stand in order");
        sdp::Description description;
        if (description.parse(bodies.sdp[i].text))
            require_inside(bodies.sdp[i].text, description.origin().text);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    sip::Message first;
    const sip::ParseError error = first.parse(input);
    if (error == sip::ParseError::none) check_message(input, first);

    // A message object that has parsed other bytes before must give the same result.
    static sip::Message again;
    require(again.parse(input) == error, "the same bytes give the same result");
    if (error == sip::ParseError::none) {
        require(again.headers().size() == first.headers().size() && same(again.body(), first.body()) &&
                    same(again.from_tag(), first.from_tag()) && same(again.to_tag(), first.to_tag()),
                "the same bytes give the same message");
        // Bytes after the body are not part of the message: without them the result must be the same.
        const std::size_t whole = first.head().size() + first.body().size();
        sip::Message exact;
        require(
            exact.parse(input.substr(0, whole)) == sip::ParseError::none && same(exact.body(), first.body()),
            "bytes after the body do not count");
    }

    // The input as header values, without a message around them.
    check_name_addrs(input);
    check_vias(input);
    check_uri(input);
    if (const auto hp = sip::parse_host_port(input)) check_host_port(input, *hp);
    if (const auto value = sip::parameter(input, "tag")) require_inside(input, *value);
    return 0;
}
