// The netlink conversation with nf_tables: sends batches and reads dumps.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "alg/base/result.hpp"
#include "alg/sys/netlink.hpp"
#include "nft/batch.hpp"

namespace sipalg::nft {

/// The reason why the kernel refused a batch.
struct Refusal {
    int error = 0;       ///< errno value
    std::string reason;  ///< a text for people that names the message and has the kernel's error
};

/// Success, or the refusal of the whole batch.
using Committed = Result<void, Refusal>;

/// A channel of NETLINK_NETFILTER with buffers of these sizes (0: the system's). Throws Error.
std::unique_ptr<netlink::Channel> open_netfilter(int send_buffer = 0, int receive_buffer = 0);

class Link {
  public:
    Link();  ///< Throws Error.
    explicit Link(std::unique_ptr<netlink::Channel> channel);

    /// The netlink port that identifies transactions of this process.
    std::uint32_t port() const { return channel_->port(); }

    /// Sends the batch as one transaction. On success all of it is in force (at once for an empty batch), on
    /// refusal none of it.
    Committed commit(Batch& batch);
    /// Whether the kernel would accept the batch; changes nothing.
    Committed rehearse(Batch& batch) { return send(batch, false); }

    /// Calls `each` for each object of a dump (request NFT_MSG_GET…). `narrow` may add attributes to the
    /// request, at most 1 kB. False: the object that the request names does not exist (ENOENT). Throws Error;
    /// its text names CAP_NET_ADMIN when that is missing.
    bool list(std::uint16_t type, std::uint8_t family, const std::function<void(nlmsghdr*)>& narrow,
              const std::function<void(const nlmsghdr*)>& each);

    /// Whether there were transactions of other programs since the last call, by the kernel's count. The
    /// first call returns true. Throws Error.
    bool changed_by_others();
    /// Reads one object (request NFT_MSG_GET…) and passes it to `answer`. False: it does not exist. Throws
    /// Error.
    bool ask(std::uint16_t type, std::uint8_t family, const std::function<void(nlmsghdr*)>& narrow,
             const std::function<void(const nlmsghdr*)>& answer);

  private:
    Committed send(Batch& batch, bool commit);

    std::unique_ptr<netlink::Channel> channel_;
    netlink::Conversation talk_;
    std::uint32_t generation_ =
        0;  ///< the kernel's generation number of the ruleset, if no other program has changed it
};

}  // namespace sipalg::nft
