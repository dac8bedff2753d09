// The kernel's table of queues, /proc/net/netfilter/nfnetlink_queue.
#pragma once

#include <cstdint>
#include <istream>
#include <vector>

namespace sipalg {

inline constexpr const char* queue_table_path = "/proc/net/netfilter/nfnetlink_queue";

/// One queue that has a reader.
struct QueueRow {
    std::uint64_t number = 0;
    std::uint64_t waiting = 0;      ///< packets
    std::uint64_t full_queue = 0;   ///< packets that were dropped, or passed unread, at a full queue
    std::uint64_t full_socket = 0;  ///< the same at the reader's full socket
};

/// Reads all rows; leaves out those it cannot read. Source: the kernel's seq_show() in nfnetlink_queue.c.
std::vector<QueueRow> read_queue_table(std::istream& table);

}  // namespace sipalg
