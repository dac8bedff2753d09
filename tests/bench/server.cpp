// The provider: answers at once, and notes whether a router has put its public address into the requests.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <functional>
#include <list>
#include <memory>

#include "tests/bench/latencies.hpp"
#include "tests/bench/sip_load.hpp"
#include "tests/bench/socket.hpp"

namespace bench {
namespace {

volatile std::sig_atomic_t stopping = 0;

constexpr std::uint16_t first_media_port = 30000;
constexpr auto stream_interval = std::chrono::milliseconds(20);
constexpr auto stream_life = std::chrono::seconds(5);
constexpr std::size_t max_streams = 64;

/// Counts of arrived messages, by kind and by the addresses in them.
struct Seen {
    unsigned long options = 0, invites = 0, acks = 0, byes = 0, others = 0;
    unsigned long showing_inside = 0;  ///< requests with the phone's own address anywhere in them
    unsigned long public_contacts = 0, public_offers = 0;  ///< INVITEs naming the packet's source address
};

/// RTP to one phone for a fixed time, whatever happens to the call.
struct Stream {
    UdpSocket socket;
    std::uint16_t port = 0;
    Endpoint to;
    Clock::time_point next, end;
};

void note(Seen& seen, std::string_view request, std::string_view name, const Endpoint& source,
          const Options& options) {
    if (!options.inside.empty() && request.find(options.inside) != std::string_view::npos) {
        ++seen.showing_inside;
    }
    if (name == "INVITE") {
        ++seen.invites;
        if (header(request, "Contact").find("@" + source.address + ":") != std::string_view::npos) {
            ++seen.public_contacts;
        }
        if (media(request).address == source.address) ++seen.public_offers;
    } else {
        ++(name == "OPTIONS" ? seen.options
           : name == "ACK"   ? seen.acks
           : name == "BYE"   ? seen.byes
                             : seen.others);
    }
}

/// Every call gets another RTP port, and a retransmission the same.
std::uint16_t media_port(std::string_view call_id) {
    const std::size_t slot = std::hash<std::string_view>{}(call_id) % 5000;
    return static_cast<std::uint16_t>(first_media_port + 2 * slot);
}

void pump(std::list<Stream>& streams, Clock::time_point now) {
    static const std::string rtp =
        std::string("\x80\x08\0\1\0\0\0\xa0\0\0\0\1", 12) + std::string(160, '\xd5');
    std::erase_if(streams, [now](const Stream& stream) { return stream.end < now; });
    for (Stream& stream : streams) {
        if (stream.next > now) continue;
        stream.socket.send(rtp, stream.to);
        stream.next = now + stream_interval;
    }
}

}  // namespace

void request_stop() {
    stopping = 1;
}

int run_server(const Options& options) {
    const auto socket =
        open_provider(options, options.stream ? stream_interval : std::chrono::milliseconds(100));
    std::printf("ready\n");
    std::fflush(stdout);
    Seen seen;
    Latencies latencies;
    std::list<Stream> streams;
    std::string answer;
    Endpoint source;
    while (stopping == 0) {
        const auto message = socket->receive(source);
        if (options.stream) pump(streams, Clock::now());
        if (!message) continue;
        const std::string_view name = method(*message);
        if (name.empty()) continue;
        latencies.add_message(*message, Clock::now());
        note(seen, *message, name, source, options);
        if (name == "ACK") continue;
        const std::uint16_t port =
            name == "INVITE" ? media_port(header(*message, "Call-ID")) : std::uint16_t{0};
        write_ok(answer, *message, source, options.local, port, now_ns());
        socket->send(answer, source);
        // A repeated INVITE already has its stream.
        const bool streaming = std::any_of(streams.begin(), streams.end(),
                                           [port](const Stream& stream) { return stream.port == port; });
        if (options.stream && port != 0 && !streaming && streams.size() < max_streams) {
            const auto now = Clock::now();
            streams.push_back({UdpSocket({options.local.address, port}, stream_interval), port,
                               media(*message), now, now + stream_life});
        }
    }
    std::printf(
        "{\"options\": %lu, \"invites\": %lu, \"acks\": %lu, \"byes\": %lu, \"others\": %lu, "
        "\"showing_inside\": %lu, \"public_contacts\": %lu, \"public_offers\": %lu, "
        "\"message_p50_us\": %.1f, \"message_p99_us\": %.1f}\n",
        seen.options, seen.invites, seen.acks, seen.byes, seen.others, seen.showing_inside,
        seen.public_contacts, seen.public_offers, latencies.percentile(0.5), latencies.percentile(0.99));
    return 0;
}

}  // namespace bench
