// Conntrack's table, read by a thread of its own: the kernel walks all of it in one system call, which takes
// 10 to 20 ms where the table has 262,144 buckets, and nobody who gives verdicts can wait that long.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "alg/kernel/element.hpp"
#include "alg/sys/fd.hpp"

namespace sipalg::daemon {

/// Theory of operation. The thread knows nothing but the table: it hands over pieces of what it reads through
/// a short queue and waits when that is full. All that is decided over flows is decided by who takes them, so
/// State has one thread. All functions are for that one thread.
class FlowReader {
  public:
    /// Calls its argument for each flow there is; throws std::exception. Runs in the reader's thread.
    using Read = std::function<void(const std::function<void(const ConntrackEntry&)>&)>;
    explicit FlowReader(Read read);
    ~FlowReader();
    FlowReader(const FlowReader&) = delete;
    FlowReader& operator=(const FlowReader&) = delete;

    /// Begins to read; only when nothing is being read.
    void begin();
    /// Something was begun and its last piece not taken yet.
    bool reading() const { return reading_; }

    struct Piece {
        std::vector<ConntrackEntry> flows;
        bool last = false;
        std::string failure;                 ///< with the last one: why not all could be read
        std::chrono::microseconds spent{0};  ///< with the last one: by the reading
    };
    /// The next piece if there is one; never waits.
    std::optional<Piece> take();
    /// The next piece of what is being read.
    Piece wait();
    int descriptor() const { return ready_.get(); }  ///< readable while take() has something

  private:
    static constexpr std::size_t piece_size = 256;
    static constexpr std::size_t most_pieces = 16;

    void run();
    Piece read_all();
    void hand_over(Piece piece);

    Read read_;
    Fd ready_;  // an eventfd that counts pieces
    bool reading_ = false;
    std::mutex mutex_;
    std::condition_variable changed_;
    // Under the mutex:
    bool wanted_ = false;
    bool stopping_ = false;
    std::deque<Piece> pieces_;
    std::thread thread_;  // last: it uses all of the above
};

}  // namespace sipalg::daemon
