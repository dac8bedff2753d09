// Signs in responses that a device between the router and a peer changes addresses or messages (O3).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "alg/base/time.hpp"
#include "alg/net/address.hpp"

namespace sipalg {

struct Envelope;
struct State;

struct PathSign {
    enum class Kind : std::uint8_t {
        port,     ///< `rport` is not the port that left: a NAT changes ports
        address,  ///< `received` is not the address that left: another NAT
        message   ///< the echoed Via or From differs from the one that left: another ALG
    };
    Kind kind = Kind::port;
    std::string left, seen;  ///< the value that left the router, and the one that the peer saw
    friend bool operator==(const PathSign&, const PathSign&) = default;
};
/// "port", "address", "message"
std::string_view word(PathSign::Kind kind);

/// The latest sign of each peer. Bounded (X7): at the limit further peers are not noted. Not staged, because
/// a sign is a fact.
class PathSigns {
  public:
    static constexpr std::size_t most = 32;

    /// nullopt: a response without a sign, which corrects an earlier one.
    void note(const Address& peer, const std::optional<PathSign>& sign);
    const std::map<Address, PathSign>& all() const { return signs_; }

  private:
    std::map<Address, PathSign> signs_;
};

/// Looks for signs in `state.message`, if it is a response to a REGISTER or INVITE of the phone. Call before
/// the response is followed.
void note_path_sign(State& state, const Envelope& envelope, Time now);

}  // namespace sipalg
