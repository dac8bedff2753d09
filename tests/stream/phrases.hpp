// Byte strings to send over a TCP connection, most of them SIP.
#pragma once

#include <cstddef>
#include <string>

namespace sipalg::test {

/// A message as it is sent and as it must arrive.
struct Phrase {
    std::string sent, heard;
    bool exact = true;  ///< it must arrive as `heard`
};

/// The phone is at `inside` ("address:port") and is known as `outside`; `number` makes Call-IDs differ.
Phrase phrase(std::size_t which, bool by_phone, const std::string& inside, const std::string& outside,
              unsigned number);

}  // namespace sipalg::test
