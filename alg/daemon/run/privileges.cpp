#include "alg/daemon/run/privileges.hpp"

#include <cap-ng.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <pwd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "alg/daemon/run/sanitizer.hpp"
#include "alg/sys/fd.hpp"

namespace sipalg::daemon {

namespace {

constexpr ino_t initial_user_namespace = 0xEFFFFFFD;  // kernel include/linux/proc_ns.h, PROC_USER_INIT_INO

bool is_initial(const Fd& user_namespace) {
    struct stat status {};
    return fstat(user_namespace.get(), &status) != 0 || status.st_ino == initial_user_namespace;
}

bool in_user_namespace() {
    const Fd own(open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC));
    if (own && !is_initial(own)) return true;
    const Fd network(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
    if (!network) return false;
    const Fd owner(ioctl(network.get(), NS_GET_USERNS));
    return owner && !is_initial(owner);
}

// To change, and to give files to the new user.
bool may_change_user() {
    return capng_get_caps_process() == 0 && capng_have_capability(CAPNG_EFFECTIVE, CAP_SETUID) != 0 &&
           capng_have_capability(CAPNG_EFFECTIVE, CAP_SETGID) != 0 &&
           capng_have_capability(CAPNG_EFFECTIVE, CAP_CHOWN) != 0;
}

// Without CAP_SETPCAP the bounding set stays; no_new_privs makes it harmless.
bool keep_network_capabilities(const std::optional<Identity>& identity) {
    capng_clear(CAPNG_SELECT_BOTH);
    capng_updatev(CAPNG_ADD, static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED), CAP_NET_ADMIN,
                  CAP_NET_RAW, -1);
    if (identity)
        return capng_change_id(static_cast<int>(identity->user), static_cast<int>(identity->group),
                               static_cast<capng_flags_t>(CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING |
                                                          CAPNG_CLEAR_AMBIENT)) == 0;
    [[maybe_unused]] const int bounds = capng_apply(CAPNG_SELECT_BOUNDS);
    return capng_apply(CAPNG_SELECT_CAPS) == 0;
}

}  // namespace

std::optional<Identity> find_identity() {
    if (geteuid() != 0 || !may_change_user()) return std::nullopt;
    const passwd* found = getpwnam(own_user);
    if (found == nullptr) return std::nullopt;
    return Identity{found->pw_uid, found->pw_gid};
}

bool may_give_to(gid_t group) {
    const bool may_own =
        capng_get_caps_process() == 0 && capng_have_capability(CAPNG_EFFECTIVE, CAP_CHOWN) != 0;
    return may_own || group_member(group) != 0;
}

void refuse_user_namespace() {
    if (in_user_namespace())
        throw std::runtime_error(
            "this is a user namespace, from which the kernel does not accept changed packets; run sipalgd in "
            "the initial user namespace ('ip netns exec' is fine)");
}

// X9
std::optional<std::string> reduce_privileges(const std::optional<Identity>& identity) {
    std::optional<std::string> warning;
    if (geteuid() == 0 && !identity)
        warning =
            (getpwnam(own_user) == nullptr ? std::string("there is no user ") + own_user
                                           : std::string("not permitted to change to user ") + own_user) +
            "; sipalgd keeps user id 0, with CAP_NET_ADMIN and CAP_NET_RAW only";
    if (!keep_network_capabilities(identity))
        warning = std::string("cannot change user or capabilities (") + std::strerror(errno) +
                  "); sipalgd keeps those that it was started with";
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    // A change of the user id makes the process private: no debugger of the same user may attach. The leak
    // check of a sanitizer does attach.
    if (sanitized) prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    return warning;
}

}  // namespace sipalg::daemon
