#include "tests/model/wire.hpp"

#include <array>

namespace sipalg::model {

namespace {

constexpr std::array kinds{"audio", "video", "image"};
constexpr std::array directions{"sendrecv", "sendonly", "recvonly", "inactive"};

std::string name(const Line& line) {
    return kinds[static_cast<std::size_t>(line.kind)];
}

std::string body(const Message& message) {
    const Description& lines = *message.description;
    const std::string owner = message.source.address.text();
    const std::string common = lines.front().host.text();
    std::string text = "v=0\r\no=- 1 " + std::to_string(message.offer) + " IN IP4 " + owner +
                       "\r\ns=-\r\nc=IN IP4 " + common + "\r\nt=0 0\r\n";
    for (const Line& line : lines) {
        text += "m=" + name(line) + " " + std::to_string(line.port) +
                (line.kind == Line::Kind::fax ? " udptl t38\r\n" : " RTP/AVP 0\r\n");
        if (line.host.text() != common) text += "c=IN IP4 " + line.host.text() + "\r\n";
        if (!line.open()) continue;
        if (line.direction != Line::Direction::sendrecv)
            text += std::string("a=") + directions[static_cast<std::size_t>(line.direction)] + "\r\n";
        if (line.rtcp) text += "a=rtcp:" + std::to_string(line.rtcp) + "\r\n";
        if (line.mux) text += "a=rtcp-mux\r\n";
    }
    return text;
}

void end(Message& message) {
    message.text += "Contact: <sip:x@" + message.source.text() + ">\r\n";
    if (message.rseq && !message.is_request())
        message.text += "Require: 100rel\r\nRSeq: " + std::to_string(message.rseq) + "\r\n";
    if (message.rseq && message.is_request())
        message.text += "RAck: " + std::to_string(message.rseq) + " 1 INVITE\r\n";
    if (message.session_expires)
        message.text += "Session-Expires: " + std::to_string(message.session_expires) + ";refresher=uac\r\n";
    const std::string content = message.description ? body(message) : "";
    if (!content.empty()) message.text += "Content-Type: application/sdp\r\n";
    message.text += "Content-Length: " + std::to_string(content.size()) + "\r\n\r\n" + content;
}

}  // namespace

std::string shown(const Description& description) {
    std::string text;
    for (const Line& line : description) {
        text += (text.empty() ? "" : ", ") + name(line) + " " + line.host.text() + ":" +
                std::to_string(line.port);
        if (line.direction != Line::Direction::sendrecv)
            text += std::string(" ") + directions[static_cast<std::size_t>(line.direction)];
        if (line.rtcp) text += " rtcp " + std::to_string(line.rtcp);
        if (line.mux) text += " mux";
    }
    return text;
}

std::string shown(const Message& message) {
    std::string text =
        message.is_request() ? message.method : std::to_string(message.status) + " (" + message.method + ")";
    text += " " + std::to_string(message.cseq) + ", call " + std::to_string(message.call);
    if (message.fork >= 0) text += " fork " + std::to_string(message.fork);
    if (message.rseq) text += ", rseq " + std::to_string(message.rseq);
    if (message.session_expires) text += ", expires " + std::to_string(message.session_expires);
    if (!message.description) return text;
    constexpr std::array roles{"has", "offers", "answers"};
    text += std::string(", ") + roles[static_cast<std::size_t>(message.role)];
    if (message.offer) text += " #" + std::to_string(message.offer);
    return text + " (" + shown(*message.description) + ")";
}

std::string header_lines(std::string_view text, std::string_view name) {
    std::string found;
    const std::string start = std::string(name) + ": ";
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t line_end = text.find("\r\n", at);
        if (line_end == std::string_view::npos || line_end == at) break;
        const std::string_view line = text.substr(at, line_end + 2 - at);
        if (line.starts_with(start)) found += line;
        at = line_end + 2;
    }
    return found;
}

std::string header_uri(std::string_view text, std::string_view name) {
    const std::string lines = header_lines(text, name);
    const std::size_t open = lines.find('<'), close = lines.find('>');
    return open == std::string::npos ? std::string{} : lines.substr(open + 1, close - open - 1);
}

std::vector<std::uint16_t> media_ports(std::string_view text) {
    std::vector<std::uint16_t> ports;
    for (std::size_t at = text.find("\r\nm="); at != std::string_view::npos;
         at = text.find("\r\nm=", at + 1)) {
        const std::size_t space = text.find(' ', at);
        ports.push_back(static_cast<std::uint16_t>(std::stoi(std::string(text.substr(space + 1, 5)))));
    }
    return ports;
}

void write_request(Message& message, const std::string& uri, int branch) {
    const auto tag = [](const std::string& value) { return value.empty() ? "" : ";tag=" + value; };
    message.text = message.method + " " + uri + " SIP/2.0\r\nVia: SIP/2.0/UDP " + message.source.text() +
                   ";rport;branch=z9hG4bK" + std::to_string(branch) +
                   "\r\nMax-Forwards: 70\r\nFrom: <sip:a@example.com>" + tag(message.from_tag) +
                   "\r\nTo: <sip:b@example.com>" + tag(message.to_tag) + "\r\nCall-ID: call" +
                   std::to_string(message.call) + "@example.com\r\nCSeq: " + std::to_string(message.cseq) +
                   " " + message.method + "\r\n";
    end(message);
}

void write_response(Message& message, const Message& answered) {
    const std::string& request = answered.got;
    std::string to = header_lines(request, "To");
    if (to.find(";tag=") == std::string::npos && !message.to_tag.empty())
        to.insert(to.size() - 2, ";tag=" + message.to_tag);
    message.text = "SIP/2.0 " + std::to_string(message.status) + " Response\r\n" +
                   header_lines(request, "Via") + header_lines(request, "From") + to +
                   header_lines(request, "Call-ID") + header_lines(request, "CSeq");
    end(message);
}

}  // namespace sipalg::model
