#include "alg/call/emergency.hpp"

#include <doctest/doctest.h>

#include <vector>

namespace sipalg::call {

TEST_CASE("X7 the URIs of emergency calls") {
    const std::vector<std::string> numbers{"112", "911", "110"};
    for (const char* uri : {"urn:service:sos", "URN:Service:SOS.police", "sip:112@provider.example",
                            "sips:911@[2001:db8::1]:5061;user=phone", "sip:110;phone-context=+49@p.example",
                            "tel:112", "tel:911;phone-context=+1", "sip:112:secret@p.example"})
        CHECK_MESSAGE(is_emergency(uri, numbers), uri);
    for (const char* uri : {"urn:service:sosx", "urn:service:counseling", "sip:1122@p.example",
                            "sip:112.example", "sip:+112@p.example", "http://112/", "", "tel:", "sip:@p"})
        CHECK_MESSAGE(!is_emergency(uri, numbers), uri);
}

}  // namespace sipalg::call
