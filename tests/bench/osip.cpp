// GNU oSIP2.
#include <osipparser2/osip_parser.h>
#include <osipparser2/sdp_message.h>

#include "tests/bench/reader.hpp"

namespace {

bool read_body(const osip_message_t* message) {
    osip_body_t* body = nullptr;
    if (osip_message_get_body(message, 0, &body) < 0) return true;
    if (!std::string_view(body->body, body->length).starts_with("v=")) return true;
    sdp_message_t* description = nullptr;
    if (sdp_message_init(&description) != 0) return false;
    const bool good = sdp_message_parse(description, body->body) == 0;
    sdp_message_free(description);
    return good;
}

bool read(std::string_view text) {
    osip_message_t* message = nullptr;
    if (osip_message_init(&message) != 0) return false;
    const bool good = osip_message_parse(message, text.data(), text.size()) == 0 && read_body(message);
    osip_message_free(message);
    return good;
}

[[maybe_unused]] const bool added = (parser_init(), bench::other_parsers().push_back({"oSIP2", read}), true);

}  // namespace
