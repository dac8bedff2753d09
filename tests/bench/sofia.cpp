// Sofia-SIP.
#include <sofia-sip/msg.h>
#include <sofia-sip/msg_addr.h>
#include <sofia-sip/sdp.h>
#include <sofia-sip/sip.h>
#include <sofia-sip/sip_header.h>

#include "tests/bench/reader.hpp"

namespace {

bool read_body(const sip_t& sip) {
    if (!sip.sip_payload || sip.sip_payload->pl_len < 2) return true;
    const std::string_view text(sip.sip_payload->pl_data, sip.sip_payload->pl_len);
    if (!text.starts_with("v=")) return true;
    sdp_parser_t* parser = sdp_parse(nullptr, text.data(), static_cast<issize_t>(text.size()), 0);
    const bool good = sdp_session(parser) != nullptr;
    sdp_parser_free(parser);
    return good;
}

bool read(std::string_view text) {
    msg_t* message = msg_make(sip_default_mclass(), 0, text.data(), static_cast<ssize_t>(text.size()));
    if (!message) return false;
    const sip_t* sip = sip_object(message);
    const bool good =
        sip && !sip->sip_error && sip->sip_cseq && sip->sip_from && sip->sip_via && read_body(*sip);
    msg_destroy(message);
    return good;
}

[[maybe_unused]] const bool added = (bench::other_parsers().push_back({"Sofia-SIP", read}), true);

}  // namespace
