#include "alg/ctl/hep.hpp"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <stdexcept>

#include "alg/base/escape.hpp"
#include "alg/ctl/options.hpp"
#include "alg/sip/text.hpp"

namespace sipalg::ctl {

namespace {

enum : unsigned {
    ip_family = 1,
    ip_protocol = 2,
    source_v4 = 3,
    destination_v4 = 4,
    source_v6 = 5,
    destination_v6 = 6,
    source_port = 7,
    destination_port = 8,
    time_seconds = 9,
    time_microseconds = 10,
    payload_kind = 11,
    agent_id = 12,
    payload_bytes = 15,
    correlation_id = 17,
};
constexpr std::uint64_t kind_sip = 1, family_v4 = 2, family_v6 = 10;

// Network order.
void put(std::string& out, std::uint64_t value, std::size_t bytes) {
    while (bytes-- > 0)
        out += static_cast<char>(value >> (8 * bytes) & 255);
}

void chunk(std::string& out, unsigned type, std::string_view value) {
    put(out, 0, 2);  // no vendor
    put(out, type, 2);
    put(out, 6 + value.size(), 2);
    out += value;
}

void chunk(std::string& out, unsigned type, std::uint64_t value, std::size_t bytes) {
    std::string text;
    put(text, value, bytes);
    chunk(out, type, text);
}

std::string_view raw(const Address& address) {
    return {reinterpret_cast<const char*>(address.bytes().data()), address.size()};
}

}  // namespace

std::string hep3(const HepPacket& packet) {
    const bool v4 = packet.source.address.is_v4();
    std::string out = "HEP3";
    put(out, 0, 2);
    chunk(out, ip_family, v4 ? family_v4 : family_v6, 1);
    chunk(out, ip_protocol, static_cast<std::uint64_t>(packet.transport), 1);
    chunk(out, v4 ? source_v4 : source_v6, raw(packet.source.address));
    chunk(out, v4 ? destination_v4 : destination_v6, raw(packet.destination.address));
    chunk(out, source_port, packet.source.port, 2);
    chunk(out, destination_port, packet.destination.port, 2);
    chunk(out, time_seconds, static_cast<std::uint64_t>(packet.time_us / 1'000'000), 4);
    chunk(out, time_microseconds, static_cast<std::uint64_t>(packet.time_us % 1'000'000), 4);
    chunk(out, payload_kind, kind_sip, 1);
    chunk(out, agent_id, packet.agent, 4);
    chunk(out, correlation_id, packet.correlation.substr(0, 1024));
    chunk(out, payload_bytes, packet.payload.substr(0, 64'000));
    out[4] = static_cast<char>(out.size() >> 8 & 255);
    out[5] = static_cast<char>(out.size() & 255);
    return out;
}

HepSender::HepSender(const std::string& target) {
    const std::size_t colon = target.rfind(':');
    std::string host = target.substr(0, colon);
    const std::string digits = colon == std::string::npos ? std::string() : target.substr(colon + 1);
    const auto port = text::number(digits, 65535);
    if (host.empty() || !port || *port == 0)
        throw UsageError("--hep '" + escape(target) + "': expected HOST:PORT, for example 192.0.2.1:9060");
    if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    addrinfo hints{}, *found = nullptr;
    hints.ai_socktype = SOCK_DGRAM;
    const int error = getaddrinfo(host.c_str(), digits.c_str(), &hints, &found);
    if (error != 0) throw std::runtime_error("--hep " + escape(target) + ": " + gai_strerror(error));
    const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, &freeaddrinfo);
    for (const addrinfo* one = found; one != nullptr && fd_ < 0; one = one->ai_next) {
        fd_ = socket(one->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd_ >= 0 && connect(fd_, one->ai_addr, one->ai_addrlen) != 0) {
            close(fd_);
            fd_ = -1;
        }
    }
    if (fd_ < 0) throw std::runtime_error("--hep " + escape(target) + ": cannot be reached");
}

HepSender::~HepSender() {
    if (fd_ >= 0) close(fd_);
}

bool HepSender::send(const std::string& datagram) {
    const auto sent = ::send(fd_, datagram.data(), datagram.size(), MSG_NOSIGNAL);
    // A collector that is not there yet refuses the datagram before this one.
    return sent == static_cast<ssize_t>(datagram.size()) ||
           ::send(fd_, datagram.data(), datagram.size(), MSG_NOSIGNAL) ==
               static_cast<ssize_t>(datagram.size());
}

}  // namespace sipalg::ctl
