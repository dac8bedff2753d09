// Reads the router's own sockets in a thread. The kernel visits its hash tables for each read of /proc/net,
// which takes 15 ms on a machine with much memory: too long for packets that wait for a verdict.
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

/// Reads on request. Requests during a read are answered together by one more read. All functions are for one
/// thread.
class SocketReader {
  public:
    /// Runs in the reader's thread.
    using Read = std::function<std::vector<Socket>()>;
    /// Throws std::system_error if no descriptor is available.
    explicit SocketReader(Read read);
    ~SocketReader();
    SocketReader(const SocketReader&) = delete;
    SocketReader& operator=(const SocketReader&) = delete;

    /// Requests a read that begins after this call. Does not wait. The first one starts the thread, which
    /// inherits the privileges of the calling thread; throws std::system_error if no thread is available.
    void request();
    int descriptor() const { return ready_.get(); }  ///< readable while take() has a result
    /// The result of the latest read, once; nullopt: none since the last call.
    std::optional<std::vector<Socket>> take();

  private:
    void start();
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
