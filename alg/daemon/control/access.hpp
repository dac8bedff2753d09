// Who may use the control socket (X9).
#pragma once

#include <sys/types.h>

#include <optional>
#include <span>
#include <vector>

#include "alg/daemon/config/options.hpp"

namespace sipalg::daemon {

/// The user behind a connection, by the kernel's word (SO_PEERCRED, SO_PEERGROUPS).
struct ControlClient {
    uid_t user = 0;
    std::vector<gid_t> groups;  ///< the primary one too
};
/// nullopt: the kernel does not say.
std::optional<ControlClient> client_of(int socket);

/// The groups of the options --control-group and --admin-group.
struct Access {
    std::optional<gid_t> control;  ///< may look
    std::optional<gid_t> admin;    ///< may look and change: close, record, reload

    /// Root and the daemon's own user may do everything.
    bool may_look(const ControlClient& client) const;
    bool may_change(const ControlClient& client) const;
};

/// Looks the groups up. Throws UsageError if a named one does not exist; the default one may be missing.
Access find_access(const Options& options);

}  // namespace sipalg::daemon
