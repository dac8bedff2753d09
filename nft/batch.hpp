// A transaction as bytes: nf_tables messages between a begin and an end marker. Pure; Link sends it.
#pragma once

#include <libmnl/libmnl.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace sipalg::nft {

/// Messages are numbered from 1 in the order they were opened; number 0 is the begin marker. clear() keeps
/// the buffer's capacity, so a reused batch does not allocate.
class Batch {
  public:
    Batch() { clear(); }

    void clear();
    /// Starts a message of an nf_tables type (NFT_MSG_…) and returns its header, to which the caller appends
    /// at most `room` bytes of attributes. Valid until the next open(). `label` names the message in the text
    /// of a refusal and must outlive the batch.
    nlmsghdr* open(std::uint16_t type, std::uint16_t flags, std::uint8_t family, std::string_view label,
                   std::size_t room = 4096);
    /// The number of messages opened since clear().
    std::size_t size() const { return labels_.size(); }
    bool empty() const { return labels_.empty(); }
    std::string_view label(std::size_t number) const;

    /// Numbers the messages from `sequence` (the begin marker) on and requests an acknowledgement of the last
    /// one. With `commit` adds the end marker; without it the kernel checks the batch and changes nothing.
    /// Returns the bytes to send. Not for an empty batch; call clear() before the next one.
    std::span<const char> seal(std::uint32_t sequence, bool commit);
    /// The number of messages of this type (NFT_MSG_…) in a sealed batch.
    std::size_t count(std::uint16_t type) const;

  private:
    void close();

    std::vector<char> bytes_;
    std::size_t used_ = 0;     // bytes of complete messages
    std::size_t current_ = 0;  // offset of the open message; 0: none is open
    std::vector<std::string_view> labels_;
};

}  // namespace sipalg::nft
