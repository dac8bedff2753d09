// A transaction as bytes: nf_tables messages between a begin and an end marker. Pure; link sends it.
#pragma once

#include <libmnl/libmnl.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace sipalg::nft {

/// Messages are numbered from 1 in the order they were opened; number 0 is the begin marker. The buffer keeps
/// its capacity over clear(), so a batch that is used again does not allocate.
class Batch {
  public:
    Batch() { clear(); }

    void clear();
    /// Starts a message of an nf_tables type (NFT_MSG_…) and returns its header, to which the caller appends
    /// at most `room` bytes of attributes. Valid until the next open(). `label` says in a refusal what the
    /// message is about; it must live as long as the batch is in use.
    nlmsghdr* open(std::uint16_t type, std::uint16_t flags, std::uint8_t family, std::string_view label,
                   std::size_t room = 4096);
    /// Messages opened since clear().
    std::size_t size() const { return labels_.size(); }
    bool empty() const { return labels_.empty(); }
    std::string_view label(std::size_t number) const;

    /// Numbers the messages from `sequence` (the begin marker) on, asks for one acknowledgement behind the
    /// last of them, and with `commit` adds the end marker: without it the kernel checks everything and then
    /// changes nothing. Returns the bytes to send. Not for an empty batch; clear() comes next.
    std::span<const char> seal(std::uint32_t sequence, bool commit);
    /// How many messages of a sealed batch are of this type (NFT_MSG_…).
    std::size_t count(std::uint16_t type) const;

  private:
    void close();

    std::vector<char> bytes_;
    std::size_t used_ = 0;     // bytes of complete messages
    std::size_t current_ = 0;  // where the open message starts; 0: none is open
    std::vector<std::string_view> labels_;
};

}  // namespace sipalg::nft
