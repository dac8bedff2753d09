// The first message of TLS and DTLS, as far as it says in clear which server is wanted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sipalg::tls {

struct ClientHello {
    enum class Outcome : std::uint8_t {
        not_hello,  ///< something else, or a hello that breaks the grammar
        need_more,  ///< the beginning of a hello, as far as the bytes go
        hello,
    };
    Outcome outcome = Outcome::not_hello;
    /// The host that the client asks for (SNI, RFC 6066 3); empty: it names none, or none that is visible
    /// ASCII.
    std::string server_name;
};

/// The front of a stream (RFC 8446 4.1.2), in one record or several. Says `hello` as soon as the name is
/// there, or sure not to come; then more bytes don't change the answer.
ClientHello read_stream(std::string_view bytes);
/// A whole datagram (RFC 9147 5.3). `need_more`: the hello goes on in another one, which is not waited for.
ClientHello read_datagram(std::string_view bytes);

}  // namespace sipalg::tls
