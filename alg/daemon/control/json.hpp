// The state as JSON documents, for the control socket.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "alg/core/call_detail.hpp"
#include "alg/core/flow_list.hpp"
#include "alg/core/report.hpp"
#include "alg/daemon/config/options.hpp"
#include "alg/daemon/run/egress.hpp"
#include "alg/daemon/run/engine.hpp"
#include "alg/daemon/run/latency.hpp"
#include "alg/policy/end_reason.hpp"

namespace sipalg::daemon {

using Json = nlohmann::ordered_json;

/// The two clocks at the same moment, to convert core times to calendar times.
struct ClockPair {
    Time boot{0};
    std::chrono::system_clock::time_point wall;
};

Json to_json(const std::vector<CallReport>& calls, const ClockPair& clocks);
/// The `most` calls that ended last, the latest first.
Json to_json(const History& history, const ClockPair& clocks,
             std::size_t most = std::numeric_limits<std::size_t>::max());
/// The same rows with their timers and ladders.
Json to_json(const std::vector<CallDetail>& legs, const ClockPair& clocks);
Json to_json(const std::vector<PinholeReport>& pinholes);
Json to_json(const std::vector<BindingReport>& bindings);
Json to_json(const std::vector<FlowReport>& flows, const ClockPair& clocks);
Json to_json(const Counters& counters);

/// The numbers of `status`, besides Options.
struct Status {
    std::int64_t pid = 0;
    std::int64_t uptime_s = 0;
    std::string queue_method;
    std::uint16_t watch_queue = 0, shifted_queue = 0;
    bool sees_streams = true;  ///< see nft::Ruleset::sees_streams()
    std::vector<EgressChooser::End> ends;
    std::vector<std::string> inside;
    std::vector<nft::AcceptPlace> accept_places;
    Totals totals;
    std::array<std::size_t, flow_kinds> flows{};  ///< see State::flow_counts()
    std::vector<std::string> offloading_chains;   ///< see nft::Ruleset
    std::vector<std::uint16_t> sip_ports;
    std::vector<PortRange> source_ports;   ///< see nft::Ruleset
    std::vector<PortRange> public_ports;   ///< of the options
    std::size_t media_ports_left = 65536;  ///< of --media-ports, not forwarded by the owner (X12)
    bool media_counted = false;  ///< conntrack counts packets, so silence during a call is detected too
    Counters counters{};
    std::array<std::uint64_t, end_reason_count> calls_ended{};  ///< see History
    Latency latency;                                            ///< see Queue
    std::uint64_t queue_overflows = 0;
    std::uint64_t refused_verdicts = 0;
    std::uint64_t lost_verdicts = 0;       ///< see Queue
    std::vector<std::string> for_restart;  ///< options that changed in the file and need a restart
    std::vector<std::string> warnings;     ///< see warnings()
    std::map<Address, PathSign> path_signs;
};
Json to_json(const Options& options, const Status& status);

/// As text. Bytes that are not UTF-8 become U+FFFD, since JSON allows only UTF-8.
std::string to_text(const Json& document);
/// RFC 3339, UTC, whole seconds.
std::string utc(std::chrono::system_clock::time_point time);

}  // namespace sipalg::daemon
