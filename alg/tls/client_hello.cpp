#include "alg/tls/client_hello.hpp"

#include <algorithm>

namespace sipalg::tls {

namespace {

constexpr unsigned handshake_record = 22;
constexpr unsigned client_hello_message = 1;
constexpr std::size_t longest_record = 16384;
constexpr std::size_t fragment_head = 12;
constexpr std::uint32_t longest_hello = 65535;
constexpr std::size_t longest_name = 255;

// Reads the bytes of the handshake message across its records. After an error or the end, all further bytes
// are 0 and `state` has the reason, so that fields need no checks.
class Hello {
  public:
    enum class State : std::uint8_t { good, at_end, wrong };

    Hello(std::string_view bytes, bool datagram) : bytes_(bytes), datagram_(datagram) {}

    State state() const { return state_; }
    bool good() const { return state_ == State::good; }
    std::uint32_t left() const { return message_left_; }

    /// Reads up to the end of the message's length field.
    void begin() {
        if (datagram_) return open_fragment();
        if (record_byte() != client_hello_message) return fail();
        const auto high = record_byte() << 16;
        const auto middle = record_byte() << 8;
        set_length(high | middle | record_byte());
    }

    unsigned byte() {
        if (!good()) return 0;
        if (message_left_ == 0) {
            fail();
            return 0;
        }
        if (datagram_ && record_left_ == 0) open_fragment();
        const unsigned value = record_byte();
        if (good()) --message_left_;
        return value;
    }
    unsigned word() {
        const unsigned high = byte() << 8;
        return high | byte();
    }
    void skip(std::size_t count) {
        while (count-- > 0 && good())
            byte();
    }
    void fail() {
        if (good()) state_ = State::wrong;
    }

  private:
    unsigned raw() {
        if (!good()) return 0;
        if (at_ < bytes_.size()) return static_cast<unsigned char>(bytes_[at_++]);
        state_ = State::at_end;
        return 0;
    }
    // The next byte of the record's content; in a stream, of the next record after the end of this one.
    unsigned record_byte() {
        if (record_left_ == 0) open_record();
        if (!good()) return 0;
        --record_left_;
        return raw();
    }

    void open_record() {
        if (raw() != handshake_record) return fail();
        if (raw() != (datagram_ ? 254U : 3U)) return fail();
        raw();
        for (int i = 0; datagram_ && i < 8; ++i)
            raw();  // epoch and sequence number
        const std::size_t high = raw() << 8;
        record_left_ = high | raw();
        if (!good()) return;
        // A datagram ends with a record.
        if (record_left_ == 0 || record_left_ > longest_record ||
            (datagram_ && record_left_ > bytes_.size() - at_))
            fail();
    }

    // In DTLS each record repeats the head of the message, with the position of its part.
    void open_fragment() {
        open_record();
        if (record_left_ < fragment_head || record_byte() != client_hello_message) return fail();
        const auto number = [this](int count) {
            std::uint32_t value = 0;
            for (; count > 0; --count)
                value = value << 8 | record_byte();
            return value;
        };
        const std::uint32_t length = number(3);
        number(2);
        const std::uint32_t offset = number(3);
        const std::uint32_t fragment = number(3);
        if (!good()) return;
        if (!begun_) set_length(length);
        begun_ = true;
        if (length != length_ || offset != length_ - message_left_) fail();
        if (fragment == 0 || fragment != record_left_) fail();
    }

    void set_length(std::uint32_t length) {
        length_ = message_left_ = length;
        if (length > longest_hello) fail();
    }

    std::string_view bytes_;
    bool datagram_;
    bool begun_ = false;
    State state_ = State::good;
    std::size_t at_ = 0;
    std::size_t record_left_ = 0;
    std::uint32_t length_ = 0, message_left_ = 0;
};

bool is_visible(std::string_view name) {
    return !name.empty() &&
           std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

// The first host name in the list (RFC 6066 allows only one of this type).
void read_name(Hello& hello, std::size_t size, std::string& name) {
    if (size < 2) return hello.fail();
    std::size_t left = hello.word();
    if (left != size - 2) return hello.fail();
    while (left > 0 && hello.good()) {
        const unsigned type = hello.byte();
        const std::size_t length = hello.word();
        if (left < 3 || length > left - 3) return hello.fail();
        left -= 3 + length;
        if (type != 0 || length > longest_name || !name.empty()) {
            hello.skip(length);
            continue;
        }
        for (std::size_t i = 0; i < length; ++i)
            name += static_cast<char>(hello.byte());
    }
}

ClientHello read(Hello hello, bool datagram) {
    ClientHello result;
    constexpr std::size_t version_and_random = 2 + 32;
    constexpr unsigned server_name_extension = 0;
    hello.begin();
    hello.skip(version_and_random);
    hello.skip(hello.byte());                // session
    if (datagram) hello.skip(hello.byte());  // cookie
    hello.skip(hello.word());                // cipher suites
    hello.skip(hello.byte());                // compression methods
    if (hello.good() && hello.left() > 0) {  // the first TLS had no extensions
        const unsigned extensions = hello.word();
        if (extensions != hello.left()) hello.fail();
    }
    while (hello.good() && hello.left() > 0) {
        const unsigned type = hello.word();
        const std::size_t size = hello.word();
        if (size > hello.left()) hello.fail();
        if (type != server_name_extension) {
            hello.skip(size);
            continue;
        }
        read_name(hello, size, result.server_name);
        break;
    }
    switch (hello.state()) {
        case Hello::State::good: result.outcome = ClientHello::Outcome::hello; break;
        case Hello::State::at_end: result.outcome = ClientHello::Outcome::need_more; break;
        case Hello::State::wrong: result.outcome = ClientHello::Outcome::not_hello; break;
    }
    if (!hello.good() || !is_visible(result.server_name)) result.server_name.clear();
    return result;
}

}  // namespace

ClientHello read_stream(std::string_view bytes) {
    return read(Hello(bytes, false), false);
}
ClientHello read_datagram(std::string_view bytes) {
    return read(Hello(bytes, true), true);
}

}  // namespace sipalg::tls
