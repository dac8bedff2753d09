// The router's own sockets, read by a thread: the kernel walks its hash tables for a read of /proc/net, which
// takes 15 ms on a machine with much memory, and packets can't wait that long for their verdicts.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "alg/net/address.hpp"
#include "alg/sys/fd.hpp"

namespace sipalg::daemon {

/// Reads on request. Requests that come while a read is under way are answered together by one more read. All
/// functions are for one thread.
class SocketReader {
  public:
    /// Runs in the reader's thread.
    using Read = std::function<std::vector<Socket>()>;
    /// Throws std::system_error if there is no descriptor or thread to be had.
    explicit SocketReader(Read read);
    ~SocketReader();
    SocketReader(const SocketReader&) = delete;
    SocketReader& operator=(const SocketReader&) = delete;

    /// Asks for the sockets as they are from now on. Does not wait.
    void request();
    int descriptor() const { return ready_.get(); }  ///< readable while take() has something
    /// The result of the latest read that take() has not returned yet.
    std::optional<std::vector<Socket>> take();

  private:
    void run();

    Read read_;
    Fd ready_;  ///< an eventfd
    std::mutex mutex_;
    std::condition_variable changed_;
    // Under the mutex:
    bool requested_ = false;
    bool stopping_ = false;
    std::optional<std::vector<Socket>> result_;
    std::thread thread_;  ///< last: it uses all of the above
};

}  // namespace sipalg::daemon
