// Elements of sets as netlink messages of a batch. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "nft/batch.hpp"
#include "nft/elements.hpp"

namespace sipalg::nft {

/// The method of removing an element that may have expired: kernels from 6.3 on have a message for this
/// purpose.
enum class Removal : std::uint8_t { destroy, ensure_and_remove };

/// Appends element messages to a batch; successive elements of one set and kind share a message. No other
/// message may be opened in the batch between two calls.
class ElementWriter {
  public:
    enum class Kind : std::uint8_t {
        ensure,  ///< exists afterwards; refused only if it exists with other data
        create,  ///< refused if it exists
        remove,  ///< refused if it does not exist
        destroy  ///< absent afterwards; only on kernels that have it, see Removal
    };
    ElementWriter(Batch& batch, const std::string& table) : batch_(batch), table_(table) {}
    /// A `timeout` of zero means none.
    void put(Kind kind, const Entry& entry, std::chrono::seconds timeout);
    /// Empties a set.
    void flush(std::string_view set);

  private:
    nlmsghdr* start(std::uint16_t type, std::uint16_t flags, std::string_view set);
    void open(Kind kind, std::string_view set);

    Batch& batch_;
    const std::string& table_;
    nlmsghdr* message_ = nullptr;  // the open message of the batch, if this object has opened it
    nlattr* list_ = nullptr;       // its list of elements
    Kind kind_ = Kind::ensure;
    std::string_view set_;
};

}  // namespace sipalg::nft
