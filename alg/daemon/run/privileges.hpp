// The privileges of the process (X9): a user of its own and two capabilities.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace sipalg::daemon {

/// Name of the user, and of its group, that the package creates.
inline constexpr const char* own_user = "sipalg";

struct Identity {
    uid_t user = 0;
    gid_t group = 0;
};

/// The user to change to: `own_user` with its primary group. nullopt: the process is not root, it lacks
/// CAP_SETUID, CAP_SETGID or CAP_CHOWN, or there is no such user. Not thread-safe, like getpwnam().
std::optional<Identity> find_identity();

/// Whether the process may give its files to this group: it is a member, or has CAP_CHOWN.
bool may_give_to(gid_t group);

/// Throws std::runtime_error if the process or its network belongs to a user namespace: the kernel refuses
/// changed payloads from there (kernel net/netfilter/nfnetlink_queue.c).
void refuse_user_namespace();

/// Changes to `identity` if there is one, keeps CAP_NET_ADMIN and CAP_NET_RAW only, empties the bounding set
/// and sets no_new_privs. Sockets and files that are open stay. Only this thread changes its capabilities, so
/// call it before other threads start. Returns a warning if the process keeps its user id 0 or capabilities
/// that it need not have.
[[nodiscard]] std::optional<std::string> reduce_privileges(const std::optional<Identity>& identity);

}  // namespace sipalg::daemon
