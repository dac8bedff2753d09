#include "alg/daemon/run/group.hpp"

#include <iterator>

namespace sipalg::daemon {

namespace {

// A longer buffer is freed, so that a few long messages don't occupy memory for ever (P5).
constexpr std::size_t usual_packet = 4096;

}  // namespace

bool Group::is_full() const {
    if (size_ == most) return true;
    std::size_t changes = 0;
    for (std::size_t i = 0; i < size_; ++i)
        changes += members_[i].decision.changes.size();
    return changes >= most_changes;
}

Group::Member& Group::add(const Arrival& arrival, std::size_t longest) {
    if (size_ == members_.size()) members_.emplace_back();
    Member& member = members_[size_++];
    member.arrival = arrival;
    member.longest = longest;
    member.verdict.kind = Output::Kind::pass;
    member.verdict.token = arrival.token;
    if (member.decision.payload.capacity() > usual_packet) member.decision = Decision();
    if (member.verdict.bytes.capacity() > usual_packet) member.verdict.bytes = {};
    member.decision.clear();
    return member;
}

std::span<const Change> Group::changes() {
    changes_.clear();
    for (std::size_t i = 0; i < size_; ++i) {
        std::vector<Change>& own = members_[i].decision.changes;
        changes_.insert(changes_.end(), std::move_iterator(own.begin()), std::move_iterator(own.end()));
    }
    return changes_;
}

std::span<const ConntrackTuple> Group::joined(std::vector<ConntrackTuple> Decision::*part) {
    flows_.clear();
    for (std::size_t i = 0; i < size_; ++i) {
        const std::vector<ConntrackTuple>& own = members_[i].decision.*part;
        flows_.insert(flows_.end(), own.begin(), own.end());
    }
    return flows_;
}

}  // namespace sipalg::daemon
