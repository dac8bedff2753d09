#include "alg/sys/service_manager.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>

#include "alg/sys/fd.hpp"

namespace sipalg {

void tell_service_manager(std::string_view state) {
    const char* variable = std::getenv("NOTIFY_SOCKET");
    if (variable == nullptr) return;
    const std::string_view name = variable;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const bool is_abstract = name.starts_with('@');
    // An abstract name has a zero in place of "@" and none at its end.
    if ((!is_abstract && !name.starts_with('/')) || name.size() >= sizeof address.sun_path) return;
    std::copy(name.begin(), name.end(), address.sun_path);
    if (is_abstract) address.sun_path[0] = '\0';
    const auto size =
        static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + (is_abstract ? 0 : 1));
    const Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket) return;
    static_cast<void>(::sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL,
                               reinterpret_cast<const sockaddr*>(&address), size));
}

}  // namespace sipalg
