// The fields of a record, listed once for writing and reading.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "alg/base/shared_text.hpp"
#include "alg/base/short_text.hpp"
#include "alg/base/time.hpp"
#include "alg/kernel/record.hpp"
#include "alg/net/interface_name.hpp"

namespace sipalg {

// The layout of a record is one function template `fields(in_or_out, value)`, which works with FieldWriter
// and FieldReader because both have the same methods. Numbers are little-endian.

class FieldWriter {
  public:
    static constexpr bool reads = false;

    FieldWriter() = default;
    explicit FieldWriter(std::size_t expected) : out_(expected) {}  ///< bytes

    /// An integer or enum with the given number of bytes, or a bool with one.
    template <class T>
    void number(const T& value, unsigned bytes) {
        out_.number(static_cast<std::uint64_t>(value), bytes);
    }
    /// An enum in one byte, with the values 0 to `count` - 1.
    template <class T>
    void enumerated(const T& value, std::uint64_t /*count*/) {
        number(value, 1);
    }
    void transport(const Transport& value) { number(value, 1); }
    void time(const Time& value) { number(value.count(), 8); }
    /// Up to eight flags in one byte.
    template <class... Bool>
    void flags(const Bool&... values) {
        unsigned bits = 0, next = 1;
        ((bits |= values ? next : 0U, next <<= 1), ...);
        number(bits, 1);
    }
    void text(std::string_view value) { out_.text(value); }
    template <std::size_t size>
    void text(const ShortText<size>& value) {
        out_.text(value.text());
    }
    void address(const Address& value) { out_.address(value); }
    void endpoint(const Endpoint& value) { out_.endpoint(value); }
    void interface(const InterfaceName& value) { out_.text(std::string(value.text())); }
    void socket(const Socket& value) {
        transport(value.transport);
        endpoint(value.endpoint);
    }
    /// At most 255 items, each written by `each`.
    template <class Each>
    void list(const auto& values, std::size_t /*most*/, Each each) {
        number(values.size(), 1);
        for (const auto& value : values)
            each(*this, value);
    }
    /// A std::optional or a Boxed.
    template <class Each>
    void optional(const auto& value, Each each) {
        number(bool(value), 1);
        if (value) each(*this, *value);
    }
    std::string take() { return out_.take(); }

  private:
    RecordWriter out_;
};

/// After the end, or after a value out of range, all fields are zero and ok() is false.
class FieldReader {
  public:
    static constexpr bool reads = true;

    /// `clock`: StoredRecord::clock.
    explicit FieldReader(std::string_view bytes, Time clock = Time{0}) : in_(bytes), clock_(clock) {}

    template <class T>
    void number(T& value, unsigned bytes) {
        value = static_cast<T>(in_.number(bytes));
    }
    template <class T>
    void enumerated(T& value, std::uint64_t count) {
        const std::uint64_t read = in_.number(1);
        in_range_ = in_range_ && read < count;
        value = static_cast<T>(read < count ? read : 0);
    }
    void transport(Transport& value) {
        std::uint64_t protocol = 0;
        number(protocol, 1);
        value = protocol == static_cast<std::uint64_t>(Transport::tcp) ? Transport::tcp : Transport::udp;
    }
    /// Zero means "no time" and stays zero.
    void time(Time& value) {
        value = std::clamp(Time{static_cast<std::int64_t>(in_.number(8))}, Time{0}, latest);
        if (clock_ != Time{0} && value != Time{0}) value = std::max(value + clock_, Time{1});
    }
    template <class... Bool>
    void flags(Bool&... values) {
        std::uint64_t bits = in_.number(1);
        ((values = (bits & 1) != 0, bits >>= 1), ...);
    }
    void text(std::string& value) { value = in_.text(); }
    void text(SharedText& value) { value = in_.text(); }
    template <std::size_t size>
    void text(ShortText<size>& value) {
        value = std::string_view(in_.text());
    }
    void address(Address& value) { value = in_.address(); }
    void endpoint(Endpoint& value) { value = in_.endpoint(); }
    void interface(InterfaceName& value) { value = InterfaceName(in_.text()); }
    void socket(Socket& value) {
        transport(value.transport);
        endpoint(value.endpoint);
    }
    template <class Each>
    void list(auto& values, std::size_t most, Each each) {
        const std::uint64_t count = in_.number(1);
        in_range_ = in_range_ && count <= most;
        values.clear();
        for (std::uint64_t i = 0; i < count && ok(); ++i)
            each(*this, values.emplace_back());
    }
    template <class Each>
    void optional(auto& value, Each each) {
        value.reset();
        if (in_.number(1) != 0) each(*this, value.emplace());
    }
    [[nodiscard]] bool ok() const { return in_range_ && in_.ok(); }
    /// Whether all bytes were read without an error.
    [[nodiscard]] bool is_complete() const { return ok() && in_.at_end(); }

  private:
    static constexpr Time latest{std::int64_t{1} << 53};  ///< the record may be damaged

    RecordReader in_;
    Time clock_;
    bool in_range_ = true;
};

}  // namespace sipalg
