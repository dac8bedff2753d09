// The attributes of a netlink message, for range-for (libmnl's macro is C only).
#pragma once

#include <libmnl/libmnl.h>

#include <cstddef>

namespace sipalg::netlink {

/// The attributes after the message's own header of `header_size` bytes. Ends at the first one that does not
/// fit.
class Attributes {
  public:
    Attributes(const nlmsghdr* message, std::size_t header_size)
        : first_(static_cast<const nlattr*>(mnl_nlmsg_get_payload_offset(message, header_size))),
          tail_(static_cast<const char*>(mnl_nlmsg_get_payload_tail(message))) {}

    class Iterator {
      public:
        Iterator(const nlattr* at, const char* tail) : at_(at), tail_(tail) { end_if_cut(); }
        const nlattr* operator*() const { return at_; }
        Iterator& operator++() {
            at_ = mnl_attr_next(at_);
            end_if_cut();
            return *this;
        }
        bool operator!=(const Iterator& other) const { return at_ != other.at_; }

      private:
        void end_if_cut() {
            if (at_ != nullptr &&
                !mnl_attr_ok(at_, static_cast<int>(tail_ - reinterpret_cast<const char*>(at_))))
                at_ = nullptr;
        }
        const nlattr* at_;
        const char* tail_;
    };
    Iterator begin() const { return {first_, tail_}; }
    Iterator end() const { return {nullptr, tail_}; }

  private:
    const nlattr* first_;
    const char* tail_;
};

}  // namespace sipalg::netlink
