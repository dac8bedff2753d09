// The daemon's numbers for monitoring.
#pragma once

#include <cstdint>
#include <string>

#include "alg/ctl/request.hpp"

namespace sipalg::ctl {

enum class MetricsFormat : std::uint8_t {
    open_metrics,
    prometheus  ///< text format 0.0.4, for node_exporter's textfile collector
};

/// The answers to `status` and `limits` as OpenMetrics 1.0 or Prometheus text (O6). `queues`: the
/// kernel's table of queues (/proc/net/netfilter/nfnetlink_queue), which only root may read; empty: not
/// known. Throws NotServing if `status` is not such an answer.
std::string metrics(const Json& status, const Json& limits = {}, const std::string& queues = {},
                    MetricsFormat format = MetricsFormat::open_metrics);

}  // namespace sipalg::ctl
