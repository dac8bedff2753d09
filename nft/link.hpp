// The netlink socket to nf_tables: sends batches, collects the kernel's answers, reads lists.
#pragma once

#include <libmnl/libmnl.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "nft/batch.hpp"

namespace sipalg::nft {

struct CloseSocket {
    void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
};
using NetlinkSocket = std::unique_ptr<mnl_socket, CloseSocket>;

/// A socket of NETLINK_NETFILTER with short error replies (NETLINK_CAP_ACK), bound. Throws Error.
NetlinkSocket open_netfilter_socket();

/// Why the kernel did not take a batch.
struct Refusal {
    int error = 0;       ///< errno value
    std::string reason;  ///< for people: which message, what the kernel says
};

class Link {
  public:
    Link();  ///< Throws Error.

    /// By which the kernel tells others whose transaction it was.
    std::uint32_t port() const { return mnl_socket_get_portid(socket_.get()); }

    /// Sends the batch as one transaction; nullopt: all of it is in force. An empty batch is in force at
    /// once. On refusal nothing of it is.
    std::optional<Refusal> commit(Batch& batch) { return send(batch, true); }
    /// The same without changing anything: would the kernel take it?
    std::optional<Refusal> rehearse(Batch& batch) { return send(batch, false); }

    /// KernelTables each object of a list (request NFT_MSG_GET…) to `each`. `narrow` may add attributes to
    /// the request, at most 1 kB. False when what is asked about does not exist (ENOENT). Throws Error; its
    /// text names CAP_NET_ADMIN when that is missing.
    bool list(std::uint16_t type, std::uint8_t family, const std::function<void(nlmsghdr*)>& narrow,
              const std::function<void(const nlmsghdr*)>& each);

  private:
    std::optional<Refusal> send(Batch& batch, bool commit);
    /// Reads a whole list into answers_; EINTR: it changed meanwhile. 0 or errno.
    int collect(std::uint32_t sequence);

    NetlinkSocket socket_;
    std::uint32_t sequence_ = 1;
    std::vector<char> receive_;
    std::vector<char> answers_;
};

}  // namespace sipalg::nft
