// Reads conntrack in a thread of its own. For the whole table the kernel visits all its buckets in one system
// call, which takes 10 to 20 ms with 262,144 of them: too long for packets that wait for a verdict.
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

/// Theory of operation. The thread only reads: it puts pieces of the table into a short queue and waits while
/// that is full. The thread that takes the pieces decides about the flows, so State needs no lock. All
/// functions are for that one thread.
class FlowReader {
  public:
    struct Request {
        bool whole = true;  ///< the whole table; else the flows that concern the ALG
        std::vector<ConntrackTuple>
            known;  ///< if not whole: flows to read besides those that rules have noted
    };
    /// Calls its second argument for each flow there is; returns false if flows may be missing; throws
    /// std::exception. Runs in the reader's thread.
    using Read = std::function<bool(const Request&, const std::function<void(const ConntrackEntry&)>&)>;
    explicit FlowReader(Read read);
    ~FlowReader();
    FlowReader(const FlowReader&) = delete;
    FlowReader& operator=(const FlowReader&) = delete;

    /// Begins a read. Precondition: no read is in progress. The first one starts the thread, which inherits
    /// the privileges of the calling thread; throws std::system_error if no thread is available.
    void begin(Request request);
    /// Whether a read is in progress: take() has not returned its last piece yet.
    bool reading() const { return reading_; }

    struct Piece {
        std::vector<ConntrackEntry> flows;
        bool last = false;
        bool complete = true;                ///< with the last one: false if flows may be missing
        std::string failure;                 ///< with the last one: the reason why the rest is missing
        std::chrono::microseconds spent{0};  ///< with the last one: processor time of the whole read
    };
    /// The next piece if there is one; never waits.
    std::optional<Piece> take();
    /// Waits for the next piece of the read in progress.
    Piece wait();
    int descriptor() const { return ready_.get(); }  ///< readable while take() has a piece

  private:
    static constexpr std::size_t piece_size = 256;
    static constexpr std::size_t most_pieces = 16;

    void start();
    void run();
    Piece read_all(const Request& request);
    void hand_over(Piece piece);

    Read read_;
    Fd ready_;  // an eventfd that counts pieces
    bool reading_ = false;
    std::mutex mutex_;
    std::condition_variable changed_;
    // Under the mutex:
    std::optional<Request> wanted_;
    bool stopping_ = false;
    std::deque<Piece> pieces_;
    std::thread thread_;  // last: it uses all of the above
};

}  // namespace sipalg::daemon
