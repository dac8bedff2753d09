#include "tests/stream/phrases.hpp"

namespace sipalg::test {

namespace {

const std::string peer = "203.0.113.10:5060";

std::string host(const std::string& endpoint) {
    return endpoint.substr(0, endpoint.rfind(':'));
}

std::string head(const char* method, bool by_phone, const std::string& phone, unsigned number) {
    const std::string id = std::to_string(number);
    return std::string(method) + " sip:x@" + (by_phone ? peer : phone) + " SIP/2.0\r\nVia: SIP/2.0/TCP " +
           (by_phone ? phone : peer) + ";branch=z9hG4bK" + id +
           "\r\nFrom: <sip:a@b.test>;tag=1\r\nTo: <sip:c@d.test>\r\nCall-ID: " + id + "\r\nCSeq: 1 " +
           method + "\r\n";
}

std::string contact(bool by_phone, const std::string& phone) {
    return "Contact: <sip:x@" + (by_phone ? phone : peer) + ";transport=tcp>\r\n";
}

std::string routes(const std::string& phone) {
    return "Record-Route: <sip:" + phone + ";transport=tcp;lr>\r\nRecord-Route: <sip:" + phone +
           ";transport=tcp;lr>\r\n";
}

std::string with_body(const std::string& head, const std::string& type, const std::string& body) {
    return head + "Content-Type: " + type + "\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
}

std::string text(std::size_t which, bool by_phone, const std::string& phone, unsigned number) {
    switch (which) {
        case 0:
            return head("OPTIONS", by_phone, phone, number) + contact(by_phone, phone) +
                   "Content-Length: 0\r\n\r\n";
        case 1:
            return with_body(head("MESSAGE", by_phone, phone, number) + (by_phone ? routes(phone) : ""),
                             "text/plain", std::string(300, 'b'));
        case 2:
            return with_body(head("MESSAGE", by_phone, phone, number) + contact(by_phone, phone),
                             "text/plain", std::string(20000, 'b'));
        case 3: return "\r\n\r\n";
        case 4: return "\r\n";
        case 5:
            return head("OPTIONS", by_phone, phone, number) +
                   "v: SIP/2.0/TCP 198.51.100.1\r\nX: " + std::string(3000, 'x') + "\r\nl: 0\r\n\r\n";
        // No Content-Length, two different ones, and one above every limit.
        case 6: return head("OPTIONS", by_phone, phone, number) + "\r\n";
        case 7:
            return head("OPTIONS", by_phone, phone, number) +
                   "Content-Length: 0\r\nContent-Length: 5\r\n\r\n";
        case 8:
            return head("MESSAGE", by_phone, phone, number) + contact(by_phone, phone) +
                   "Content-Length: 70000\r\n\r\nb";
        case 9: return std::string("\0\1\0\0\x21\x12\xa4\x42 transaction", 20);
        case 10: return "POST / HTTP/1.1\r\nHost: x\r\n\r\n";
        case 11: return "\x16\x03\x01 tls";
        case 12: return std::string(200, 'g') + "\r\n";
        case 13:
            return "SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP " + (by_phone ? peer : phone) + ";branch=z9hG4bK" +
                   std::to_string(number) +
                   "\r\nFrom: <sip:a@b.test>;tag=1\r\nTo: <sip:c@d.test>;tag=2\r\nCall-ID: " +
                   std::to_string(number) + "\r\nCSeq: 1 OPTIONS\r\n" + contact(by_phone, phone) +
                   "Content-Length: 0\r\n\r\n";
        case 14: {
            const std::string at = by_phone ? host(phone) : host(peer);
            return with_body(head("INVITE", by_phone, phone, number) + contact(by_phone, phone),
                             "application/sdp",
                             "v=0\r\no=- 1 1 IN IP4 " + at + "\r\ns=-\r\nc=IN IP4 " + at +
                                 "\r\nt=0 0\r\nm=audio 16000 RTP/AVP 0\r\n");
        }
        default:
            return head("REGISTER", by_phone, phone, number) + contact(by_phone, phone) +
                   "Expires: 600\r\nContent-Length: 0\r\n\r\n";
    }
}

}  // namespace

Phrase phrase(std::size_t which, bool by_phone, const std::string& inside, const std::string& outside,
              unsigned number) {
    which %= 16;
    const std::string within = text(which, by_phone, inside, number);
    const std::string without = text(which, by_phone, outside, number);
    return {by_phone ? within : without, by_phone ? without : within, which < 13};
}

}  // namespace sipalg::test
