// Access to the control socket (X9).
#pragma once

#include <sys/types.h>

#include <optional>
#include <span>
#include <vector>

#include "alg/daemon/config/options.hpp"

namespace sipalg::daemon {

/// The user of a connection, according to the kernel (SO_PEERCRED, SO_PEERGROUPS).
struct ControlClient {
    uid_t user = 0;
    std::vector<gid_t> groups;  ///< including the primary group
};
/// nullopt: the kernel does not know.
std::optional<ControlClient> client_of(int socket);

/// The groups of the options --control-group and --admin-group.
struct Access {
    std::optional<gid_t> control;  ///< may query
    std::optional<gid_t> admin;    ///< may query and change: close, record, reload

    /// Root and the daemon's own user may do everything.
    bool may_read(const ControlClient& client) const;
    bool may_change(const ControlClient& client) const;
};

/// Looks up the groups. Throws UsageError if a named group does not exist; the default group may be missing,
/// or closed to this process.
Access find_access(const Options& options);

}  // namespace sipalg::daemon
