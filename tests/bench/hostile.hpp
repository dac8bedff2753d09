// Messages that are expensive on purpose: one construct, repeated until the message has the given size (X6).
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace bench {

struct Hostile {
    const char* name;
    std::string text;
};

/// One of each kind, of at most `size` bytes each. Each as a phone at 192.168.1.10 would send it.
std::vector<Hostile> hostile_messages(std::size_t size);

}  // namespace bench
