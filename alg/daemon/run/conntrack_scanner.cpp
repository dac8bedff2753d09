#include "alg/daemon/run/conntrack_scanner.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

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

ConntrackTuple tuple_of(const ConntrackEntry& flow) {
    return {flow.transport, flow.original_source, flow.original_destination};
}

bool is_translated(const ConntrackEntry& flow) {
    return flow.original_source != flow.reply_destination || flow.original_destination != flow.reply_source;
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
    extent_ = state_.scan.extent(now);
    followed_.clear();
    state_.scan.begin(now, extent_);
    const bool whole = extent_ == Extent::whole;
    reader_.begin({whole, whole ? std::vector<ConntrackTuple>{} : known_});
}

// Flows of hosts that are no phones are left to the next scan of the whole table.
void ConntrackScanner::follow(const ConntrackEntry& flow) {
    const bool followed =
        state_.scan.follows(flow) || std::binary_search(known_.begin(), known_.end(), tuple_of(flow));
    if (followed)
        followed_.push_back(tuple_of(flow));
    else if (is_translated(flow) && others_.size() < most_others)
        others_.push_back(flow);
}

void ConntrackScanner::conclude(bool complete) {
    for (const ConntrackEntry& flow : std::exchange(others_, {}))
        if (state_.scan.follows(flow)) followed_.push_back(tuple_of(flow));
    std::sort(followed_.begin(), followed_.end());
    known_ = std::exchange(followed_, {});
    if (!complete) state_.scan.repeat_whole();
    if (known_.size() <= most_known) return;
    known_.clear();
    state_.scan.need_whole();
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
            to_erase_.push_back(tuple_of(flow));
        else
            follow(flow);
    }
    std::string failure = piece.failure;
    if (piece.last && failure.empty()) {
        report_offloaded();
        report_(state_.scan.end(), now);
        conclude(piece.complete);
        try {
            if (!to_erase_.empty()) erase_(to_erase_);
        } catch (const std::exception& error) {
            failure = error.what();
        }
    } else if (piece.last) {
        others_.clear();
        state_.scan.abandon();
    }
    spent_ += std::chrono::duration_cast<std::chrono::microseconds>(thread_cpu_time() - start);
    if (!piece.last) return;
    // X8: pinholes have a kernel timeout anyway, so a failure is logged once, and the next scan follows.
    if (!failure.empty() && !failed_before_) log::warning("cannot read the conntrack table: {}", failure);
    failed_before_ = !failure.empty();
    budget_.ended(failed_before_ ? std::chrono::seconds(1) : piece.spent + spent_);
    log::debug("conntrack scan: {} {} entries, {} deleted, {} us reading, {} us processing", seen_,
               extent_ == Extent::whole ? "of all" : "own", to_erase_.size(), piece.spent.count(),
               spent_.count());
}

// A8: once, until a scan finds none.
void ConntrackScanner::report_offloaded() {
    if (offloaded_ > 0 && !offload_reported_)
        log::warning("{} signalling flows are in a flowtable, where their messages pass unread", offloaded_);
    offload_reported_ = offloaded_ > 0;
}

}  // namespace sipalg::daemon
