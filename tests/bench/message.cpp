#include "tests/bench/message.hpp"

#include <charconv>

namespace bench {
namespace {

// A typical offer of a phone: two wide-band and two narrow-band codecs, and DTMF events.
constexpr std::string_view offered_codecs =
    "a=rtpmap:9 G722/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:18 G729/8000\r\n"
    "a=fmtp:18 annexb=no\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\n"
    "a=sendrecv\r\n";
constexpr std::string_view answered_codecs =
    "a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\n"
    "a=sendrecv\r\n";

template <typename Number>
void append(std::string& out, Number value) {
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    out.append(digits, end);
}

/// A session description into `out`, replaced.
void write_session(std::string& out, const Endpoint& owner, std::uint16_t port, std::string_view formats,
                   std::string_view codecs) {
    out.assign("v=0\r\no=- 20518 20518 IN IP4 ").append(owner.address);
    out.append("\r\ns=call\r\nc=IN IP4 ").append(owner.address);
    out.append("\r\nt=0 0\r\nm=audio ");
    append(out, port);
    out.append(" RTP/AVP ").append(formats).append("\r\n").append(codecs);
}

void append_body(std::string& out, std::string_view body) {
    if (!body.empty()) out.append("Content-Type: application/sdp\r\n");
    out.append("Content-Length: ");
    append(out, static_cast<unsigned>(body.size()));
    out.append("\r\n\r\n").append(body);
}

void append_sent(std::string& out, std::uint64_t sent) {
    if (sent == 0) return;
    out.append("X-Sent: ");
    append(out, sent);
    out.append("\r\n");
}

std::string_view line_after(std::string_view text, std::string_view start) {
    const auto at = text.find(start);
    if (at == std::string_view::npos) return {};
    text.remove_prefix(at + start.size());
    return text.substr(0, text.find('\r'));
}

}  // namespace

void write_request(std::string& out, std::string_view method, const Dialog& dialog, const Endpoint& phone,
                   const Endpoint& provider) {
    const bool invite = method == "INVITE";
    out.assign(method)
        .append(" ")
        .append(dialog.target)
        .append(" SIP/2.0\r\nVia: SIP/2.0/")
        .append(dialog.tcp ? "TCP " : "UDP ");
    out.append(phone.text())
        .append(";branch=")
        .append(dialog.branch)
        .append(";rport\r\nMax-Forwards: 70\r\n");
    out.append("From: \"Desk 201\" <sip:201@").append(provider.address).append(">;tag=");
    out.append(dialog.from_tag).append("\r\nTo: ").append(dialog.to);
    out.append("\r\nCall-ID: ").append(dialog.call_id).append("\r\nCSeq: ");
    append(out, dialog.cseq);
    out.append(" ").append(method).append("\r\n");
    if (method != "BYE") {
        out.append("Contact: <sip:201@").append(phone.text());
        out.append(dialog.tcp ? ";transport=tcp>\r\n" : ";transport=udp>\r\n");
    }
    out.append("User-Agent: Desk Phone 4.2.118\r\n");
    append_sent(out, dialog.sent);
    if (method == "OPTIONS") out.append("Accept: application/sdp\r\n");
    static thread_local std::string body;
    body.clear();
    if (invite) {
        out.append(
            "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, NOTIFY, REFER, UPDATE, PRACK, INFO\r\n"
            "Supported: replaces, timer, 100rel\r\nAllow-Events: talk, hold, conference, refer\r\n"
            "P-Preferred-Identity: <sip:201@example.net>\r\n");
        write_session(body, phone, dialog.media_port, "9 0 8 18 101", offered_codecs);
    }
    append_body(out, body);
}

void write_ok(std::string& out, std::string_view request, const Endpoint& source, const Endpoint& provider,
              std::uint16_t media_port, std::uint64_t sent) {
    const std::string_view via = header(request, "Via");
    const std::string_view to = header(request, "To");
    const auto rport = via.find(";rport");
    out.assign("SIP/2.0 200 OK\r\nVia: ").append(via.substr(0, rport));
    if (rport != std::string_view::npos) {
        out.append(";received=").append(source.address).append(";rport=");
        append(out, source.port);
    }
    out.append("\r\nFrom: ").append(header(request, "From")).append("\r\nTo: ").append(to);
    if (to.find(";tag=") == std::string_view::npos) out.append(";tag=p7f31c");
    out.append("\r\nCall-ID: ").append(header(request, "Call-ID"));
    out.append("\r\nCSeq: ").append(header(request, "CSeq"));
    out.append("\r\nContact: <sip:trunk@")
        .append(provider.text())
        .append(via.starts_with("SIP/2.0/TCP") ? ";transport=tcp" : "");
    out.append(">\r\nServer: Provider 9.1\r\n");
    append_sent(out, sent);
    out.append("Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, PRACK, INFO\r\n");
    static thread_local std::string body;
    body.clear();
    if (media_port != 0) write_session(body, provider, media_port, "8 101", answered_codecs);
    append_body(out, body);
}

std::string_view header(std::string_view message, std::string_view name) {
    for (auto at = message.find("\r\n"); at != std::string_view::npos; at = message.find("\r\n", at + 2)) {
        std::string_view line = message.substr(at + 2);
        if (line.starts_with("\r\n")) return {};
        if (!line.starts_with(name) || line.size() < name.size() + 2 || line[name.size()] != ':') continue;
        line.remove_prefix(name.size() + 2);
        return line.substr(0, line.find('\r'));
    }
    return {};
}

std::string_view method(std::string_view message) {
    if (message.starts_with("SIP/2.0 ")) return {};
    return message.substr(0, message.find(' '));
}

unsigned status(std::string_view message) {
    unsigned code = 0;
    if (message.starts_with("SIP/2.0 ") && message.size() > 11) {
        std::from_chars(message.data() + 8, message.data() + 11, code);
    }
    return code;
}

std::string_view bracketed_uri(std::string_view value) {
    const auto open = value.find('<');
    if (open == std::string_view::npos) return {};
    value.remove_prefix(open + 1);
    return value.substr(0, value.find('>'));
}

Endpoint media(std::string_view message) {
    Endpoint result{std::string(line_after(message, "\r\nc=IN IP4 ")), 0};
    const std::string_view audio = line_after(message, "\r\nm=audio ");
    std::from_chars(audio.data(), audio.data() + audio.size(), result.port);
    return result;
}

}  // namespace bench
