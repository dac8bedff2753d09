#include "alg/daemon/control/access.hpp"

#include <grp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "alg/daemon/run/privileges.hpp"

namespace sipalg::daemon {

namespace {

// Not thread-safe, like all of <grp.h>'s simple functions; called before the first client, in the main
// thread.
std::optional<gid_t> find_group(const std::string& name) {
    const group* found = getgrnam(name.c_str());
    return found == nullptr ? std::nullopt : std::optional(found->gr_gid);
}

std::optional<gid_t> named_group(const std::optional<Setting>& setting) {
    if (!setting) return std::nullopt;
    const auto found = find_group(setting->value);
    if (!found) throw complaint(*setting, "is not a group on this system ('getent group' lists them)");
    return found;
}

bool is_superuser(const ControlClient& client) {
    return client.user == 0 || client.user == geteuid();
}

bool has(const ControlClient& client, std::optional<gid_t> group) {
    return group && std::find(client.groups.begin(), client.groups.end(), *group) != client.groups.end();
}

}  // namespace

std::optional<ControlClient> client_of(int socket) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return std::nullopt;
    ControlClient client{credentials.uid, {}};
    client.groups.resize(64);
    for (;;) {
        size = static_cast<socklen_t>(client.groups.size() * sizeof(gid_t));
        if (getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, client.groups.data(), &size) == 0) break;
        if (errno != ERANGE) {  // a kernel before 4.13
            size = 0;
            break;
        }
        client.groups.resize(size / sizeof(gid_t));
    }
    client.groups.resize(size / sizeof(gid_t));
    client.groups.push_back(credentials.gid);
    return client;
}

bool Access::may_change(const ControlClient& client) const {
    return is_superuser(client) || has(client, admin);
}

bool Access::may_read(const ControlClient& client) const {
    return may_change(client) || has(client, control);
}

Access find_access(const Options& options) {
    Access access{named_group(options.control_group), named_group(options.admin_group)};
    if (options.control_group) return access;
    access.control = find_group(default_control_group);
    if (access.control && !may_give_to(*access.control)) access.control.reset();
    return access;
}

}  // namespace sipalg::daemon
