#include "alg/daemon/run/flow_reader.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <exception>
#include <system_error>
#include <utility>

#include "alg/daemon/run/signals_blocked.hpp"
#include "alg/sys/cpu_time.hpp"

namespace sipalg::daemon {

namespace {

struct Stopped {};

}  // namespace

FlowReader::FlowReader(Read read)
    : read_(std::move(read)), ready_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE)) {
    if (!ready_) throw std::system_error(errno, std::generic_category(), "eventfd");
}

void FlowReader::start() {
    if (thread_.joinable()) return;
    const SignalsBlocked blocked;
    thread_ = std::thread([this] { run(); });
}

FlowReader::~FlowReader() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void FlowReader::begin(Request request) {
    start();
    {
        const std::lock_guard lock(mutex_);
        wanted_ = std::move(request);
    }
    reading_ = true;
    changed_.notify_all();
}

std::optional<FlowReader::Piece> FlowReader::take() {
    Piece piece;
    {
        const std::lock_guard lock(mutex_);
        if (pieces_.empty()) return std::nullopt;
        piece = std::move(pieces_.front());
        pieces_.pop_front();
        std::uint64_t one = 0;
        [[maybe_unused]] const ssize_t size = read(ready_.get(), &one, sizeof one);
    }
    if (piece.last) reading_ = false;
    changed_.notify_all();
    return piece;
}

FlowReader::Piece FlowReader::wait() {
    {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return !pieces_.empty(); });
    }
    return *take();
}

void FlowReader::run() {
    for (;;) {
        Request request;
        {
            std::unique_lock lock(mutex_);
            changed_.wait(lock, [this] { return wanted_.has_value() || stopping_; });
            if (stopping_) return;
            request = *std::exchange(wanted_, std::nullopt);
        }
        try {
            hand_over(read_all(request));
        } catch (const Stopped&) {
            return;
        }
    }
}

FlowReader::Piece FlowReader::read_all(const Request& request) {
    Piece piece;
    const auto start = thread_cpu_time();
    std::string failure;
    bool complete = true;
    try {
        complete = read_(request, [&](const ConntrackEntry& flow) {
            piece.flows.push_back(flow);
            if (piece.flows.size() == piece_size) hand_over(std::exchange(piece, {}));
        });
    } catch (const std::exception& error) {
        failure = error.what();
    }
    piece.last = true;
    piece.complete = complete;
    piece.failure = std::move(failure);
    piece.spent = std::chrono::duration_cast<std::chrono::microseconds>(thread_cpu_time() - start);
    return piece;
}

void FlowReader::hand_over(Piece piece) {
    {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return pieces_.size() < most_pieces || stopping_; });
        if (stopping_) throw Stopped{};
        pieces_.push_back(std::move(piece));
        const std::uint64_t one = 1;
        [[maybe_unused]] const ssize_t size = write(ready_.get(), &one, sizeof one);
    }
    changed_.notify_all();
}

}  // namespace sipalg::daemon
