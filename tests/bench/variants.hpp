// Many different messages of each kind, the same on every run: other names, numbers, lengths and orders of
// headers, so that no branch predictor can learn one message.
#pragma once

#include <string>
#include <vector>

#include "alg/policy/policy.hpp"
#include "tests/bench/message.hpp"

namespace bench {

/// One message as its sender writes it.
struct Variant {
    sipalg::Side from;
    Endpoint source, destination;  ///< as the inside edge sees them: the phone's own, and the peer's
    std::string text;
};

/// One kind of message: a variant for every phone, all of them sent before those of the next kind.
struct Kind {
    const char* name;
    std::vector<Variant> variants;
};

/// The router: what the peers see of the phones.
inline constexpr const char* outside_address = "203.0.113.1";

/// Delivers a variant to the other side and returns it as it arrives there.
class Carrier {
  public:
    Carrier() = default;
    Carrier(const Carrier&) = delete;
    Carrier& operator=(const Carrier&) = delete;
    virtual ~Carrier() = default;
    virtual std::string carry(const Variant& variant) = 0;
};

/// `phones` phones register, call (audio, then video with ICE), are called and subscribe. Answers are written
/// for the messages as delivered by `carrier`. Deterministic.
std::vector<Kind> make_variants(std::size_t phones, Carrier& carrier);

}  // namespace bench
