#include "tests/cases/hostile_text.hpp"

#include <algorithm>
#include <array>

namespace sipalg::test {

namespace {

using Words = const char*;

constexpr std::array media_ports{"16000", "16002", "16000", "22",    "0",
                                 "9",     "5060",  "16010", "65535", "65534"};
constexpr std::array<Words, 12> attributes{
    "",
    "",
    "a=sendonly\r\n",
    "a=inactive\r\n",
    "a=rtcp-mux\r\n",
    "a=rtcp:16005\r\n",
    "m=video 16020 RTP/AVP 31\r\n",
    "m=audio 16080/3 RTP/AVP 0\r\n",
    "m=video 0 RTP/AVP 31\r\n",
    "m=message 16060 TCP/MSRP *\r\na=setup:passive\r\n",
    "m=image 16030 udptl t38\r\n",
    "a=group:BUNDLE 1 2\r\na=mid:1\r\nm=video 16000 RTP/AVP 31\r\na=mid:2\r\n"};
// What a sender may write in place of its own address.
constexpr std::array<Words, 14> others{
    "192.168.1.66", "192.168.1.1",         "203.0.113.1",  "127.0.0.1",     "0.0.0.0",
    "224.0.0.1",    "255.255.255.255",     "169.254.1.1",  "phone.example", "2001:db8:1::66",
    "::",           "::ffff:192.168.1.66", "192.168.1.11", "203.0.113.77"};
constexpr std::array<Words, 30> words{"192.168.1.66",
                                      "203.0.113.1:5060",
                                      "<sip:x@192.168.1.66:22>",
                                      ",",
                                      ";",
                                      "\"",
                                      "\\",
                                      "\r\n",
                                      "\r\n ",
                                      "\n",
                                      "\r\n\r\n",
                                      "Content-Length: 0\r\n",
                                      "Content-Length: 99999999999\r\n",
                                      "l: -1\r\n",
                                      "Contact: <sip:x@192.168.1.66>\r\n",
                                      "Contact: *\r\n",
                                      "Expires: 4294967295\r\n",
                                      "Session-Expires: 90\r\n",
                                      "Record-Route: <sip:192.168.1.66;lr>\r\n",
                                      "Call-ID: other\r\n",
                                      "c=IN IP4 192.168.1.66\r\n",
                                      "m=audio 445 RTP/AVP 0\r\n",
                                      "a=rtcp:22 IN IP4 192.168.1.66\r\n",
                                      "a=candidate:1 1 UDP 1 192.168.1.66 16000 typ host\r\n",
                                      ";maddr=192.168.1.66",
                                      ";received=192.168.1.66",
                                      ";rport=22",
                                      ";transport=tcp",
                                      "Content-Encoding: gzip\r\n",
                                      "Supported: outbound,path,100rel,timer\r\n"};
constexpr std::array<Words, 10> numbers{
    "0", "1", "-1", "65535", "65536", "4294967295", "4294967296", "18446744073709551616", "00005", "5060"};

bool needs_brackets(std::string_view host) {
    return host.find(':') != std::string_view::npos;
}

std::string in_uri(const std::string& host) {
    return needs_brackets(host) ? "[" + host + "]" : host;
}

std::string description(const std::string& host, Choices& choices) {
    const std::string network = std::string(needs_brackets(host) ? "IN IP6 " : "IN IP4 ") + host;
    return "v=0\r\no=- 1 1 " + network + "\r\ns=-\r\nc=" + network + "\r\nt=0 0\r\nm=audio " +
           choices.of(media_ports) + " RTP/AVP 0\r\n" + choices.of(attributes);
}

std::string tag(const std::string& value) {
    return value.empty() ? value : ";tag=" + value;
}

std::size_t line_at(const std::string& text, std::size_t at) {
    const std::size_t before = text.rfind('\n', at);
    return before == std::string::npos ? 0 : before + 1;
}

void damage_once(std::string& text, Choices& choices) {
    if (text.empty()) return;
    const std::uint8_t kind = choices.next();
    const std::size_t at = (choices.next() * 256U + choices.next()) % text.size();
    const std::size_t line = line_at(text, at == 0 ? 0 : at - 1);
    const std::size_t next = std::min(text.find('\n', line), text.size() - 1) + 1;
    switch (kind % 8) {
        case 0: text[at] = static_cast<char>(choices.next()); break;
        case 1: text.erase(line, next - line); break;
        case 2: text.insert(line, text.substr(line, next - line)); break;
        case 3: text.insert(at, choices.of(words)); break;
        case 4: text.insert(line, choices.of(words)); break;
        case 5: {
            const std::size_t first = text.find_first_of("0123456789", at);
            if (first == std::string::npos) break;
            const std::size_t last = text.find_first_not_of("0123456789", first);
            text.replace(first, std::min(last, text.size()) - first, choices.of(numbers));
            break;
        }
        case 6: text.erase(at, 1 + choices.next() % 64U); break;
        default: text.insert(at, choices.bytes(1 + choices.next() % 16U)); break;
    }
}

}  // namespace

std::uint8_t Choices::next() {
    if (rest_.empty()) return 0;
    const std::uint8_t byte = rest_.front();
    rest_ = rest_.subspan(1);
    return byte;
}

std::string Choices::bytes(std::size_t count) {
    const auto taken = rest_.first(std::min(count, rest_.size()));
    rest_ = rest_.subspan(taken.size());
    return {taken.begin(), taken.end()};
}

void damage(std::string& text, Choices& choices) {
    const std::size_t times = choices.next() % 16U;  // most texts stay whole
    for (std::size_t i = 0; i + 12 < times; ++i)
        damage_once(text, choices);
}

std::string hostile_message(const HostileRequest& request, std::string_view status, const std::string& own,
                            const std::string& media, Choices& choices) {
    const bool from_phone = request.by_phone == status.empty();
    const std::uint8_t more = choices.next();
    const std::string phone = in_uri(own), peer = in_uri(request.peer);
    std::string sender = from_phone ? phone : peer;
    if (more % 16 == 15) sender = in_uri(choices.of(others));
    const std::string sent_by = request.by_phone ? phone + request.port : peer;
    std::string head =
        status.empty() ? request.method + " sip:" + (from_phone ? "b@" + peer : "x@" + phone + request.port) +
                             " SIP/2.0\r\n"
                       : "SIP/2.0 " + std::string(status) + "\r\n";
    head += "Via: SIP/2.0/UDP " + sent_by + ";branch=" + request.branch + (more & 16 ? ";rport" : "") +
            "\r\nFrom: <sip:a@x>" + tag(request.local()) + "\r\nTo: <sip:b@x>" + tag(request.remote()) +
            "\r\nCall-ID: " + request.call_id + "\r\nCSeq: " + std::to_string(request.cseq) + " " +
            request.method + "\r\n";
    if (request.method == "REGISTER") {
        head += more % 16 == 14 ? "Contact: *\r\n" : "Contact: <sip:x@" + phone + request.port + ">\r\n";
        head += "Expires: " + std::to_string(std::array{0, 60, 600, 3600}[more / 32 % 4]) + "\r\n";
    } else if (more % 4 != 0) {
        head += "Contact: <sip:x@" + sender + (from_phone ? request.port : "") + ">\r\n";
    }
    if (more % 16 == 9) head += "Record-Route: <sip:" + sender + ";lr>\r\n";
    if (more % 16 == 7) head += "RSeq: 1\r\nRequire: 100rel\r\n";
    std::string body;
    if (more >= 96) {
        const std::uint8_t host = choices.next();
        body = description(host % 8 == 7 ? choices.of(others) : from_phone ? own : media, choices);
        head += "Content-Type: application/sdp\r\n";
    }
    damage(head, choices);
    damage(body, choices);
    return head + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace sipalg::test
