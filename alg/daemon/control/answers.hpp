// The daemon's answers to sipalgctl.
#pragma once

#include <string>
#include <string_view>

#include "alg/core/door.hpp"
#include "alg/daemon/config/options.hpp"
#include "alg/daemon/control/json.hpp"
#include "alg/daemon/run/engine.hpp"
#include "alg/daemon/run/network.hpp"
#include "alg/daemon/run/packet_path.hpp"
#include "alg/daemon/run/tls_watch.hpp"
#include "nft/ruleset.hpp"

namespace sipalg::daemon {

class Answers {
  public:
    /// The parts of the daemon that answers are about. All of them must outlive this object.
    struct Sources {
        const Options& options;
        State& state;
        Engine& engine;
        Network& network;
        nft::Ruleset& ruleset;
        TlsWatch& tls_watch;
        PacketPath& packets;
    };
    Answers(const Sources& sources, Time started) : from_(sources), started_(started) {}

    /// A request, {"command": NAME}, to a JSON document. Bad requests get {"error": TEXT}.
    std::string answer(std::string_view request, Time now);

  private:
    Json status(Time now);

    Sources from_;
    Time started_;
};

}  // namespace sipalg::daemon
