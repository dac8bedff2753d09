// The phone that checks media: the provider's RTP must reach the port in the offer, and must stop.
#include <cstdio>
#include <memory>
#include <vector>

#include "tests/bench/sip_load.hpp"
#include "tests/bench/socket.hpp"

namespace bench {
namespace {

constexpr auto patience = std::chrono::milliseconds(500);          // for an answer, and for the first RTP
constexpr auto closing_time = std::chrono::seconds(1);             // after that, no RTP may come (SPEC C7)
constexpr auto audio_check_time = std::chrono::milliseconds(200);  // ten RTP intervals of the server

struct Call {
    Dialog dialog;
    UdpSocket rtp;
};

/// Sends and waits for the 200 of that transaction; empty when none came.
std::string transact(MessageSocket& socket, const Options& options, std::string_view name, Dialog& dialog) {
    std::string request;
    dialog.branch = new_branch(dialog);
    write_request(request, name, dialog, options.local, options.remote);
    socket.send(request, options.remote);
    const auto end = Clock::now() + patience;
    Endpoint from;
    while (Clock::now() < end) {
        const auto response = socket.receive(from);
        if (response && status(*response) == 200 && header(*response, "Call-ID") == dialog.call_id &&
            header(*response, "Via").find(dialog.branch) != std::string_view::npos) {
            return std::string(*response);
        }
    }
    return {};
}

/// Whether anything arrives within `time`.
bool hears(UdpSocket& rtp, Clock::duration time) {
    const auto end = Clock::now() + time;
    Endpoint from;
    do {
        if (rtp.receive(from)) return true;
    } while (Clock::now() < end);
    return false;
}

void discard(UdpSocket& rtp, Clock::time_point until) {
    Endpoint from;
    while (Clock::now() < until)
        static_cast<void>(rtp.receive(from));
}

}  // namespace

int run_media_check(const Options& options) {
    const auto socket = open_phone(options, std::chrono::milliseconds(20));
    std::vector<Call> calls;
    unsigned answered = 0, heard = 0, ended = 0, heard_after = 0;
    for (unsigned i = 0; i < options.outstanding; ++i) {
        Dialog dialog = new_dialog(options, i);
        dialog.media_port = static_cast<std::uint16_t>(options.media_low + 2 * i);
        UdpSocket rtp({options.local.address, dialog.media_port}, std::chrono::milliseconds(20));
        const std::string answer = transact(*socket, options, "INVITE", dialog);
        if (answer.empty()) continue;
        ++answered;
        dialog.target = bracketed_uri(header(answer, "Contact"));
        dialog.to = header(answer, "To");
        std::string acknowledgement;
        dialog.branch = new_branch(dialog) + "a";
        write_request(acknowledgement, "ACK", dialog, options.local, options.remote);
        socket->send(acknowledgement, options.remote);
        ++dialog.cseq;
        if (hears(rtp, patience)) ++heard;
        calls.push_back({std::move(dialog), std::move(rtp)});
    }
    for (Call& call : calls)
        ended += transact(*socket, options, "BYE", call.dialog).empty() ? 0 : 1;
    const auto closed = Clock::now() + closing_time;
    for (Call& call : calls)
        discard(call.rtp, closed);
    for (Call& call : calls) {
        discard(call.rtp, Clock::now() + std::chrono::milliseconds(1));  // that came during other reads
        heard_after += hears(call.rtp, audio_check_time) ? 1 : 0;
    }
    std::printf(
        "{\"calls\": %u, \"answered\": %u, \"media_heard\": %u, \"ended\": %u, \"media_after_bye\": %u}\n",
        options.outstanding, answered, heard, ended, heard_after);
    return 0;
}

}  // namespace bench
