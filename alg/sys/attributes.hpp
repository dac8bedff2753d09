// The header and the attributes of a netlink message, for range-for (libmnl's macro is C only). libmnl reads
// a header or a value without a look at its length. These functions do not read outside the message if the
// kernel's is shorter than expected.
#pragma once

#include <libmnl/libmnl.h>

#include <cstddef>
#include <cstring>
#include <string_view>

namespace sipalg::netlink {

/// The message's own header. nullptr: the message is shorter.
template <class Header>
const Header* header_of(const nlmsghdr* message) {
    const bool fits = mnl_nlmsg_get_payload_len(message) >= sizeof(Header);
    return fits ? static_cast<const Header*>(mnl_nlmsg_get_payload(message)) : nullptr;
}

/// The number as the kernel has written it; 0: there is no attribute (nullptr), or it is shorter.
template <class Number>
Number number_of(const nlattr* attribute) {
    Number number = 0;
    if (attribute != nullptr && mnl_attr_get_payload_len(attribute) >= sizeof number)
        std::memcpy(&number, mnl_attr_get_payload(attribute), sizeof number);
    return number;
}

/// The text before its zero byte.
inline std::string_view text_of(const nlattr* attribute) {
    const std::string_view all(static_cast<const char*>(mnl_attr_get_payload(attribute)),
                               mnl_attr_get_payload_len(attribute));
    return all.substr(0, all.find('\0'));
}

/// The attributes after the message's own header of `header_size` bytes. Ends at the first one that does not
/// fit.
class Attributes {
  public:
    Attributes(const nlmsghdr* message, std::size_t header_size)
        : first_(static_cast<const nlattr*>(mnl_nlmsg_get_payload_offset(message, header_size))),
          tail_(static_cast<const char*>(mnl_nlmsg_get_payload_tail(message))) {}
    /// The attributes in another one.
    explicit Attributes(const nlattr* nest)
        : first_(static_cast<const nlattr*>(mnl_attr_get_payload(nest))),
          tail_(static_cast<const char*>(mnl_attr_get_payload(nest)) + mnl_attr_get_payload_len(nest)) {}

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
