// The netlink conversation with nf_tables: sends batches, reads lists.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "alg/base/result.hpp"
#include "alg/sys/netlink.hpp"
#include "nft/batch.hpp"

namespace sipalg::nft {

/// Why the kernel did not take a batch.
struct Refusal {
    int error = 0;       ///< errno value
    std::string reason;  ///< for people: which message, and what the kernel says
};

/// Success, or the kernel's refusal of a whole batch.
using Committed = Result<void, Refusal>;

/// A channel of NETLINK_NETFILTER with buffers of these sizes (0: the system's). Throws Error.
std::unique_ptr<netlink::Channel> open_netfilter(int send_buffer = 0, int receive_buffer = 0);

class Link {
  public:
    Link();  ///< Throws Error.
    explicit Link(std::unique_ptr<netlink::Channel> channel);

    /// The port that the kernel gives as the author of our transactions.
    std::uint32_t port() const { return channel_->port(); }

    /// Sends the batch as one transaction. On success all of it is in force (at once for an empty batch), on
    /// refusal none of it.
    Committed commit(Batch& batch);
    /// The same, but changes nothing: would the kernel take it?
    Committed rehearse(Batch& batch) { return send(batch, false); }

    /// Calls `each` for each object of a list (request NFT_MSG_GET…). `narrow` may add attributes to
    /// the request, at most 1 kB. False: the object that the request names does not exist (ENOENT). Throws
    /// Error; its text names CAP_NET_ADMIN when that is missing.
    bool list(std::uint16_t type, std::uint8_t family, const std::function<void(nlmsghdr*)>& narrow,
              const std::function<void(const nlmsghdr*)>& each);

    /// Whether the kernel has counted more transactions since the last call than we have committed. The first
    /// call returns true. Throws Error.
    bool changed_by_others();
    /// One question (request NFT_MSG_GET…, not a list); `answer` gets the object. False: it does not exist.
    /// Throws Error.
    bool ask(std::uint16_t type, std::uint8_t family, const std::function<void(nlmsghdr*)>& narrow,
             const std::function<void(const nlmsghdr*)>& answer);

  private:
    Committed send(Batch& batch, bool commit);

    std::unique_ptr<netlink::Channel> channel_;
    netlink::Conversation talk_;
    std::uint32_t generation_ = 0;  ///< the kernel's number of the ruleset, if only we have changed it
};

}  // namespace sipalg::nft
