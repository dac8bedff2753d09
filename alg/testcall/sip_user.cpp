#include "alg/testcall/sip_user.hpp"

#include <algorithm>
#include <cstdlib>
#include <sstream>

namespace sipalg::testcall {

namespace {

std::string with_body(std::string head, const std::string& body) {
    if (!body.empty()) head += "Content-Type: application/sdp\r\n";
    return head + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace

std::string header(std::string_view message, std::string_view name) {
    const std::string begin = "\r\n" + std::string(name) + ": ";
    const std::size_t at = message.find(begin);
    if (at == std::string_view::npos) return {};
    const std::size_t value = at + begin.size();
    return std::string(message.substr(value, message.find("\r\n", value) - value));
}

std::string uri_in(std::string_view value) {
    const std::size_t begin = value.find('<'), end = value.find('>');
    if (begin == std::string_view::npos || end == std::string_view::npos || end < begin) return {};
    return std::string(value.substr(begin + 1, end - begin - 1));
}

std::optional<Endpoint> end_of_uri(std::string_view uri) {
    const std::size_t at = uri.find('@');
    std::string host(
        uri.substr(at == std::string_view::npos ? std::min<std::size_t>(4, uri.size()) : at + 1));
    host = host.substr(0, host.find_first_of(";?>"));
    if (const auto end = Endpoint::parse(host)) return end;
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    if (const auto address = Address::parse(host)) return Endpoint{*address, 5060};
    return std::nullopt;
}

std::optional<Endpoint> media_of(std::string_view message) {
    std::optional<Address> address;
    std::istringstream in{std::string(message)};
    for (std::string line; std::getline(in, line);) {
        std::istringstream words(line);
        std::string first, second, third;
        words >> first >> second >> third;
        if (first == "c=IN" && (second == "IP4" || second == "IP6")) address = Address::parse(third);
        if (!first.starts_with("m=")) continue;
        const auto port = std::strtoul(second.c_str(), nullptr, 10);
        if (!address || port == 0 || port > 65535) return std::nullopt;
        return Endpoint{*address, static_cast<std::uint16_t>(port)};
    }
    return std::nullopt;
}

std::string description(const Endpoint& media) {
    const std::string address = (media.address.is_v4() ? "IP4 " : "IP6 ") + media.address.text();
    return "v=0\r\no=- 1 1 IN " + address + "\r\ns=-\r\nc=IN " + address + "\r\nt=0 0\r\nm=audio " +
           std::to_string(media.port) + " RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n";
}

std::string uri_host(const Address& address) {
    return address.is_v4() ? address.text() : "[" + address.text() + "]";
}

std::string SipUser::contact() const {
    return "<sip:" + name_ + "@" + own_.text() + (transport_ == Transport::udp ? ">" : ";transport=tcp>");
}

Dialog SipUser::dialog(const std::string& call_id, const std::string& to_user,
                       const std::string& target) const {
    return {call_id, "<sip:" + name_ + "@testcall.invalid>" + tag(), "<sip:" + to_user + "@testcall.invalid>",
            target, 0};
}

std::string SipUser::request(Dialog& dialog, const std::string& method, const std::string& body) const {
    if (method != "ACK") ++dialog.cseq;
    const std::string number = std::to_string(dialog.cseq);
    std::string head = method + " " + dialog.target + " SIP/2.0\r\nVia: SIP/2.0/" +
                       (transport_ == Transport::udp ? "UDP " : "TCP ") + own_.text() + ";branch=z9hG4bK-" +
                       dialog.call_id + "-" + name_ + number + method +
                       ";rport\r\nMax-Forwards: 70\r\nFrom: " + dialog.local + "\r\nTo: " + dialog.remote +
                       "\r\nCall-ID: " + dialog.call_id + "\r\nCSeq: " + number + " " + method +
                       "\r\nUser-Agent: sipalgctl doctor --call\r\n";
    if (method == "INVITE" || method == "REGISTER") head += "Contact: " + contact() + "\r\n";
    if (method == "REGISTER") head += "Expires: 600\r\n";
    return with_body(std::move(head), body);
}

std::string SipUser::response(const Heard& request, int status, const std::string& body) const {
    std::string via = header(request.bytes, "Via");
    if (const std::size_t at = via.find(";rport"); at != std::string::npos && via.find(";rport=") != at)
        via.replace(
            at, 6,
            ";received=" + request.source.address.text() + ";rport=" + std::to_string(request.source.port));
    std::string to = header(request.bytes, "To");
    if (to.find(";tag=") == std::string::npos) to += tag();
    const bool registers = request.bytes.starts_with("REGISTER");
    std::string head = "SIP/2.0 " + std::to_string(status) + " OK\r\nVia: " + via +
                       "\r\nFrom: " + header(request.bytes, "From") + "\r\nTo: " + to +
                       "\r\nCall-ID: " + header(request.bytes, "Call-ID") +
                       "\r\nCSeq: " + header(request.bytes, "CSeq") + "\r\nContact: ";
    head += registers ? header(request.bytes, "Contact") + ";expires=600" : contact();
    return with_body(head + "\r\n", body);
}

}  // namespace sipalg::testcall
