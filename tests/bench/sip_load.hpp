// The parts of sip_load: a provider, a phone that measures, a phone that listens.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "tests/bench/message.hpp"
#include "tests/bench/socket.hpp"

namespace bench {

struct Options {
    Endpoint local;
    Endpoint remote;                             ///< the phones only: the provider's socket
    bool tcp = false;                            ///< one connection instead of datagrams
    bool calls = false;                          ///< complete calls; otherwise OPTIONS transactions
    unsigned outstanding = 1;                    ///< calls or transactions that are open at once
    std::chrono::duration<double> warm_up{0.1};  ///< not counted
    std::chrono::duration<double> measured{2};   ///< counted
    std::uint16_t media_low = 20000;             ///< the phone's first RTP port
    unsigned media_pairs = 1000;                 ///< its pairs of ports for RTP and RTCP, taken in turn
    std::string inside;                          ///< server: address that should not show in requests
    bool stream = false;                         ///< server: sends RTP for each answered call
};

/// The phone's end and the provider's, for the transport that the options name.
std::unique_ptr<MessageSocket> open_phone(const Options& options, std::chrono::milliseconds patience);
std::unique_ptr<MessageSocket> open_provider(const Options& options, std::chrono::milliseconds patience);

/// Ends run_server(); async-signal-safe.
void request_stop();

/// Answers until request_stop(); prints counts of the requests as a JSON object.
int run_server(const Options& options);
/// The closed loop for a fixed time; prints rate, latencies and failures as a JSON object.
int run_client(const Options& options);
/// Makes a few calls and counts the server's RTP before and after BYE; prints the counts as JSON.
int run_media_check(const Options& options);

/// A new dialog towards the provider: with a Call-ID and tags that are unique across runs. `number` can be
/// read back with dialog_number().
Dialog new_dialog(const Options& options, std::uint64_t number);
std::uint64_t dialog_number(std::string_view call_id);
/// A branch for the next transaction of the dialog.
std::string new_branch(const Dialog& dialog);

}  // namespace bench
