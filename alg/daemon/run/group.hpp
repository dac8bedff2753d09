// Packets whose changes go to the kernel as one transaction.
//
// Theory of operation. Packets that wait in the queue together are decided in order, each on the staged state
// that the ones before it have left. Their changes go to the kernel as one transaction. The tables of the
// core keep what a cancel needs since the last commit, so one cancel takes back the whole group, in reverse.
#pragma once

#include <cstddef>
#include <deque>
#include <span>
#include <vector>

#include "alg/core/decision.hpp"

namespace sipalg::daemon {

/// The packets that wait for the acknowledgement of one transaction, in order. Buffers are reused.
class Group {
  public:
    struct Member {
        Arrival arrival;  ///< its bytes stay in the buffer of the queue
        std::size_t longest = 0;
        Decision decision;
        Output verdict;  ///< unless Decision::stream: then Decision::outputs has it
    };

    /// The most packets; a read of the queue has no more.
    static constexpr std::size_t most = 16;
    /// At this number of changes no more packets are added. The changes take about 64 kB of netlink messages.
    static constexpr std::size_t most_changes = 256;

    bool empty() const { return size_ == 0; }
    std::size_t size() const { return size_; }
    bool is_full() const;
    /// Adds a packet at the end, with an empty decision. Precondition: not full.
    Member& add(const Arrival& arrival, std::size_t longest);
    void remove_last() { --size_; }
    void clear() { size_ = 0; }
    /// In order of arrival.
    Member& operator[](std::size_t index) { return members_[index]; }

    /// The parts of all decisions in order, valid until the next call. changes() moves the elements out of
    /// the decisions.
    std::span<const Change> changes();
    std::span<const ConntrackTuple> stale() { return joined(&Decision::stale); }
    std::span<const ConntrackTuple> ended() { return joined(&Decision::ended); }

  private:
    std::span<const ConntrackTuple> joined(std::vector<ConntrackTuple> Decision::*part);

    std::deque<Member> members_;  ///< the first size_ are in use
    std::size_t size_ = 0;
    std::vector<Change> changes_;
    std::vector<ConntrackTuple> flows_;
};

}  // namespace sipalg::daemon
