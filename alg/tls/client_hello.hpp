// Reads the server name in the first message of TLS and DTLS, which is not encrypted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sipalg::tls {

struct ClientHello {
    enum class Outcome : std::uint8_t {
        not_hello,  ///< something else, or a hello that violates the grammar
        need_more,  ///< the beginning of a hello
        hello,
    };
    Outcome outcome = Outcome::not_hello;
    /// The host name that the client requests (SNI, RFC 6066 3); empty: none, or not visible ASCII.
    std::string server_name;
};

/// Reads the beginning of a stream (RFC 8446 4.1.2), in one or several records. The result is `hello` as soon
/// as the name is complete or cannot follow; more bytes do not change it.
ClientHello read_stream(std::string_view bytes);
/// Reads a datagram (RFC 9147 5.3). `need_more`: the hello continues in another datagram, which is not read.
ClientHello read_datagram(std::string_view bytes);

}  // namespace sipalg::tls
