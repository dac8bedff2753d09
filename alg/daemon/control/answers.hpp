// The daemon's answers to sipalgctl.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "alg/base/result.hpp"
#include "alg/core/door.hpp"
#include "alg/daemon/config/options.hpp"
#include "alg/daemon/control/access.hpp"
#include "alg/daemon/control/control.hpp"
#include "alg/daemon/control/json.hpp"
#include "alg/daemon/run/engine.hpp"
#include "alg/daemon/run/network.hpp"
#include "alg/daemon/run/packet_path.hpp"
#include "alg/daemon/run/reload.hpp"
#include "alg/daemon/run/tls_watch.hpp"
#include "nft/conntrack.hpp"
#include "nft/ruleset.hpp"

namespace sipalg::daemon {

class Answers {
  public:
    /// The parts of the daemon that are reported. They must outlive this object.
    struct Sources {
        const Options& options;
        State& state;
        Engine& engine;
        Network& network;
        nft::Ruleset& ruleset;
        nft::Conntrack& conntrack;
        TlsWatch& tls_watch;
        PacketPath& packets;
        const ControlSocket& control;
        const Access access;
        std::function<Result<Reloaded>()> reload;
    };
    Answers(Sources sources, Time started) : from_(std::move(sources)), started_(started) {}

    /// The document for a request, {"command": NAME}; `call` and `close` need "id": TEXT, or `close` "all":
    /// true. With "most": N, the documents of `calls` and `bindings` are {"total": NUMBER, "rows": [...]}
    /// with at most N rows, the newest calls first. The document of a bad request, or one that the client may
    /// not make, is {"error": TEXT}.
    std::string answer(std::string_view request, const ControlClient& client, Time now);
    /// {"command": "watch"}, see FactStream; nullopt: another request, or one that answer() refuses.
    std::optional<ControlSocket::Subscription> subscribe(std::string_view request,
                                                         const ControlClient& client);

  private:
    Json refused_stream(const Json& request, const ControlClient& client);
    Json document(const Json& request, const ControlClient& client, Time now);
    Json status(Time now);
    Json one_call(const std::string& id, Time now);
    /// Adds the numbers of packets and bytes, from conntrack, to the rows of these pinholes.
    void add_counts(const std::vector<PinholeReport>& pinholes, Json& rows);
    Json close(const Json& request, Time now);
    /// The calls with the only Call-ID that begins with `id`; several if it has legs at several phones.
    Result<std::vector<CallReport>> find_calls(const std::string& id);
    Json reload();
    /// The document of `calls` or `bindings` with at most `most` rows.
    Json first_rows(const Json& request, std::size_t most, Time now);
    std::vector<CallReport> calls();
    std::vector<PinholeReport> pinholes(Time now);
    std::vector<BindingReport> bindings(Time now);

    Sources from_;
    Time started_;
    std::vector<std::string> for_restart_;  ///< options that the last reload could not change
};

}  // namespace sipalg::daemon
