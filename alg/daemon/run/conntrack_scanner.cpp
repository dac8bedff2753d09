#include "alg/daemon/run/conntrack_scanner.hpp"

#include <algorithm>
#include <chrono>
#include <exception>

#include "alg/daemon/config/log.hpp"
#include "alg/sys/cpu_time.hpp"

namespace sipalg::daemon {

void ScanBudget::ended(std::chrono::microseconds spent) {
    next_ = began_ + std::max(shortest_pause, std::chrono::ceil<Time>(spent * share));
}

namespace {

bool is_signalling(const ConntrackEntry& flow, const std::vector<std::uint16_t>& sip_ports) {
    const auto is_sip = [&](const Endpoint& endpoint) {
        return std::find(sip_ports.begin(), sip_ports.end(), endpoint.port) != sip_ports.end();
    };
    return is_sip(flow.original_source) || is_sip(flow.original_destination) || is_sip(flow.reply_source);
}

}  // namespace

void ConntrackScanner::first(Time now) {
    begin(now);
    while (reader_.reading())
        process(reader_.wait(), now);
}

std::optional<Time> ConntrackScanner::advance(Time now) {
    if (reader_.reading()) return std::nullopt;
    if (!state_.scan.wanted(now)) {
        if (state_.scan.idle()) return std::nullopt;
        return now + ask_every;
    }
    if (now < budget_.next()) return budget_.next();
    begin(now);
    return std::nullopt;
}

void ConntrackScanner::begin(Time now) {
    budget_.began(now);
    spent_ = {};
    seen_ = offloaded_ = 0;
    to_erase_.clear();
    state_.scan.begin(now);
    reader_.begin();
}

void ConntrackScanner::readable(Time now) {
    if (const auto piece = reader_.take()) process(*piece, now);
}

void ConntrackScanner::process(const FlowReader::Piece& piece, Time now) {
    const auto start = thread_cpu_time();
    for (const ConntrackEntry& flow : piece.flows) {
        ++seen_;
        if (flow.offloaded && is_signalling(flow, state_.policy.sip_ports)) ++offloaded_;
        if (state_.scan.entry(flow, now))
            to_erase_.push_back({flow.transport, flow.original_source, flow.original_destination});
    }
    std::string failure = piece.failure;
    if (piece.last && failure.empty()) {
        report_offloaded();
        report_(state_.scan.end(), now);
        try {
            if (!to_erase_.empty()) erase_(to_erase_);
        } catch (const std::exception& error) {
            failure = error.what();
        }
    } else if (piece.last) {
        state_.scan.abandon();
    }
    spent_ += std::chrono::duration_cast<std::chrono::microseconds>(thread_cpu_time() - start);
    if (!piece.last) return;
    // X8: pinholes have a kernel timeout anyway, so a failure is logged once, and the next scan follows.
    if (!failure.empty() && !failed_before_) log::warning("cannot read the conntrack table: {}", failure);
    failed_before_ = !failure.empty();
    budget_.ended(failed_before_ ? std::chrono::seconds(1) : piece.spent + spent_);
    log::debug("conntrack scan: {} entries, {} deleted, {} us reading, {} us processing", seen_,
               to_erase_.size(), piece.spent.count(), spent_.count());
}

// A8: once, until a scan finds none.
void ConntrackScanner::report_offloaded() {
    if (offloaded_ > 0 && !offload_reported_)
        log::warning("{} signalling flows are in a flowtable, where their messages pass unread", offloaded_);
    offload_reported_ = offloaded_ > 0;
}

}  // namespace sipalg::daemon
