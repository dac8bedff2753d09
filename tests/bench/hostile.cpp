#include "tests/bench/hostile.hpp"

#include <functional>
#include <string_view>

namespace bench {

namespace {

const std::string invite = "INVITE sip:b@203.0.113.10 SIP/2.0\r\n";
const std::string via = "Via: SIP/2.0/UDP 192.168.1.10:5060;branch=z9hG4bKh";
const std::string from = "From: <sip:a@203.0.113.10>;tag=1";
const std::string rest = "\r\nTo: <sip:b@203.0.113.10>\r\nCall-ID: h\r\nCSeq: 1 INVITE\r\n";
const std::string start = invite + via + "\r\n" + from + rest;
const std::string session = "v=0\r\no=- 1 1 IN IP4 192.168.1.10\r\ns=-\r\nc=IN IP4 192.168.1.10\r\nt=0 0\r\n";
const std::string audio = "m=audio 16000 RTP/AVP 0\r\n";

/// `front`, then as many `piece`s as fit, then `back`.
std::string filled(const std::string& front, std::string_view piece, std::string_view back,
                   std::size_t size) {
    std::string text = front;
    while (text.size() + piece.size() + back.size() <= size)
        text += piece;
    return text.append(back);
}

std::string head(std::string_view front, std::string_view piece, std::string_view back, std::size_t size) {
    return filled(start + std::string(front), piece, std::string(back) + "\r\nContent-Length: 0\r\n\r\n",
                  size);
}

std::string body(std::string_view type, const std::string& front, std::string_view piece,
                 std::string_view back, std::size_t size) {
    return filled(start + "Content-Type: " + std::string(type) + "\r\n\r\n" + front, piece, back, size);
}

std::string description(const std::string& front, std::string_view piece, std::size_t size) {
    return body("application/sdp", front, piece, "", size);
}

}  // namespace

std::vector<Hostile> hostile_messages(std::size_t size) {
    return {
        {"unknown headers", head("X: y", "\r\nX: y", "", size)},
        {"known headers", head("Route: <sip:a>", "\r\nRoute: <sip:a>", "", size)},
        {"colons", head("X: ", ":", "", size)},
        {"no line end", filled(start + "X: ", "x", "", size)},
        {"folds", head("Contact: x", "\r\n ", "", size)},
        {"blanks", head("Contact:", " ", "x", size)},
        {"commas", head("Contact: ", ",", "", size)},
        {"own contacts", head("Contact: <sip:a@192.168.1.10>", ",<sip:a@192.168.1.10>", "", size)},
        {"open brackets", head("Contact: ", "<", "", size)},
        {"quotes", head("Contact: ", "\"", "", size)},
        {"names with commas", head("Contact: ", "a, ", "", size)},
        {"odd names", head("Contact: ", "\"\",", "", size)},
        {"names in brackets", head("Contact: ", "\"<a>\"z,", "", size)},
        {"stray quotes", head("Contact: <a>;x=\"", ",<a>;x=\\\"", "", size)},
        {"lines without colon", head("X: y", "\r\nx", "", size)},
        {"quoted pairs", head("Contact: \"", "\\\"", "", size)},
        {"backslashes", head("Contact: \"", "\\", "\"<sip:a@192.168.1.10>", size)},
        {"semicolons", head("Contact: <sip:a@192.168.1.10>", ";", "", size)},
        {"parameters", head("Contact: <sip:a@192.168.1.10>", ";a=\"b\"", "", size)},
        {"URI parameters", head("Contact: <sip:a@192.168.1.10", ";%6Cr", ">", size)},
        {"escapes", head("Contact: <sip:a@", "%31", ">", size)},
        {"digits", head("Contact: <sip:a@192.168.1.10:", "0", ">", size)},
        {"at signs", head("Contact: <sip:a", "@", "192.168.1.10>", size)},
        {"hosts and at signs", head("Contact: <sip:a", "@a", "@192.168.1.10>", size)},
        {"references", head("Contact: <sip:a", "@[", "@192.168.1.10>", size)},
        {"blank lines", body("application/sdp", "", " \n", session + audio, size)},
        {"sent-by", filled(invite + via, ", SIP/2.0/UDP 192.168.1.10", "\r\n" + from + rest + "\r\n", size)},
        {"via slashes", filled(invite + "Via: ", "/", "\r\n" + from + rest + "\r\n", size)},
        {"via parameters", filled(invite + via, ";a=b", "\r\n" + from + rest + "\r\n", size)},
        {"From parameters", filled(invite + via + "\r\nFrom: <sip:a@b>", ";a", rest + "\r\n", size)},
        {"From quotes", filled(invite + via + "\r\nFrom: ", "\"\"", "<sip:a@b>" + rest + "\r\n", size)},
        {"credentials", filled(start + "Authorization: Digest a=b", ",qop=auth",
                               "\r\nContent-Type: application/sdp\r\n\r\n" + session + audio, size)},
        {"lengths", head("Content-Length: 0", "\r\nContent-Length: 0", "", size)},
        {"NULs in quotes", head("X: \"", std::string_view("\\\0", 2), "\"", size)},
        {"m= lines", description(session, audio, size)},
        {"c= lines", description(session + audio, "c=IN IP4 192.168.1.10\r\n", size)},
        {"candidates",
         description(session + audio, "a=candidate:1 1 UDP 1 192.168.1.10 16000 typ host\r\n", size)},
        {"altc", description(session + audio, "a=altc:1 IP4 192.168.1.10 16000\r\n", size)},
        {"attributes", description(session + audio, "a=rtpmap:0 PCMU/8000\r\n", size)},
        {"empty lines", description(session, "\n", size)},
        {"BUNDLE groups", description(session, "a=group:BUNDLE 1 2\r\n", size)},
        {"BUNDLE of many", description(session + "a=group:BUNDLE", " 1", size)},
        {"many ports", description(session + "m=audio 16000/", "9", size)},
        {"remote candidates",
         description(session + audio + "a=remote-candidates:", "1 203.0.113.9 9 ", size)},
        {"a=path", description(session + audio + "a=path:", "msrp://192.168.1.10:16000/a;tcp ", size)},
        {"parts", body("multipart/mixed;boundary=b", "--b\r\n",
                       "Content-Type: application/sdp\r\n\r\nv=0\r\n\r\n--b\r\n", "--b--\r\n", size)},
        {"delimiters", body("multipart/mixed;boundary=b", "", "--b\r\n", "--b--\r\n", size)},
        {"nested parts",
         body("multipart/mixed;boundary=a", "--a\r\nContent-Type: multipart/mixed;boundary=b\r\n\r\n",
              "--b\r\n\r\n", "--b--\r\n--a--\r\n", size)},
        {"half a delimiter", body("multipart/mixed;boundary=" + std::string(70, 'b'), "",
                                  "--" + std::string(69, 'b') + "\r\n", "", size)},
    };
}

}  // namespace bench
