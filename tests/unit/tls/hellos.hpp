// ClientHellos for tests, put together field by field.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace sipalg::test {

/// `size` as a number of so many bytes.
inline std::string number(std::size_t size, int bytes) {
    std::string text;
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
        text += static_cast<char>(size >> shift & 0xff);
    return text;
}

inline std::string extension(unsigned type, const std::string& data) {
    return number(type, 2) + number(data.size(), 2) + data;
}

inline std::string server_name(const std::string& name) {
    const std::string entry = '\0' + number(name.size(), 2) + name;
    return extension(0, number(entry.size(), 2) + entry);
}

/// What stands behind the head of the handshake message.
inline std::string hello_body(const std::string& extensions, bool dtls = false) {
    return (dtls ? "\xfe\xfd" : "\x03\x03") + std::string(32, 'r') + number(4, 1) + "sess" +
           (dtls ? number(3, 1) + "coo" : std::string()) + number(4, 2) + "\x13\x01\x13\x02" + number(1, 1) +
           '\0' + number(extensions.size(), 2) + extensions;
}

/// TLS over a stream, in records that carry at most `most` bytes.
inline std::string tls_records(const std::string& body, std::size_t most = 16384) {
    const std::string message = '\x01' + number(body.size(), 3) + body;
    std::string records;
    for (std::size_t at = 0; at < message.size(); at += most) {
        const std::string part = message.substr(at, most);
        records += "\x16\x03\x01" + number(part.size(), 2) + part;
    }
    return records;
}

/// DTLS, in records that carry at most `most` bytes of the message.
inline std::string dtls_records(const std::string& body, std::size_t most = 16384) {
    std::string records;
    for (std::size_t at = 0; at < body.size(); at += most) {
        const std::string part = body.substr(at, most);
        const std::string content =
            '\x01' + number(body.size(), 3) + number(0, 2) + number(at, 3) + number(part.size(), 3) + part;
        records += "\x16\xfe\xff" + number(0, 2) + number(at, 6) + number(content.size(), 2) + content;
    }
    return records;
}

}  // namespace sipalg::test
