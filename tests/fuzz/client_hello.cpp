// ClientHello: neither more bytes nor another division into records changes a result.
#include "alg/tls/client_hello.hpp"

#include <algorithm>
#include <string>

#include "tests/fuzz/inside.hpp"

using namespace sipalg;
using fuzz::require;
using Outcome = tls::ClientHello::Outcome;

namespace {

bool same(const tls::ClientHello& a, const tls::ClientHello& b) {
    return a.outcome == b.outcome && a.server_name == b.server_name;
}

/// The same content in records of one byte each; the last record may be incomplete. Empty: not a sequence of
/// records.
std::string one_byte_records(std::string_view stream) {
    std::string result;
    std::size_t at = 0;
    while (stream.size() - at >= 6) {
        const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(stream[at + i]); };
        if (byte(0) != 22 || byte(1) != 3) return {};
        const std::size_t length = static_cast<std::size_t>(byte(3) << 8 | byte(4));
        if (length == 0 || length > 16384 || length > stream.size() - at - 5) return {};
        for (std::size_t i = 0; i < length; ++i) {
            result.append("\x16\x03\x01\x00\x01", 5);
            result += stream[at + 5 + i];
        }
        at += 5 + length;
    }
    return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const tls::ClientHello whole = tls::read_stream(input);
    for (const tls::ClientHello& hello : {whole, tls::read_datagram(input)}) {
        require(hello.outcome == Outcome::hello || hello.server_name.empty(), "only a hello has a name");
        require(hello.server_name.size() <= 255, "a name is short");
        require(std::all_of(hello.server_name.begin(), hello.server_name.end(),
                            [](char c) { return c > ' ' && c < '\x7f'; }),
                "a name is visible");
    }
    const std::size_t step = size / 512 + 1;
    for (std::size_t part = 0; part < size; part += step) {
        const tls::ClientHello begun = tls::read_stream(input.substr(0, part));
        require(begun.outcome == Outcome::need_more || same(begun, whole), "an answer stays");
    }
    if (const std::string other = one_byte_records(input); !other.empty() && whole.outcome == Outcome::hello)
        require(same(tls::read_stream(other), whole), "records do not matter");
    return 0;
}
