#include "nft/table_lock.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "nft/ruleset.hpp"

namespace sipalg::nft {

Owner::Owner(const std::string& table) : descriptor_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    if (descriptor_ < 0) throw Error(std::string("opening a socket: ") + std::strerror(errno));
    const std::string name = "sipalg/" + table;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy(name.begin(), name.end(), address.sun_path + 1);  // a leading zero makes it abstract
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    if (bind(descriptor_, reinterpret_cast<const sockaddr*>(&address), size) == 0) return;
    const int error = errno;
    close(descriptor_);
    if (error == EADDRINUSE)
        throw Error("another sipalgd owns table " + table +
                    " in this network namespace; stop it, or give this one another name with --table");
    throw Error("taking the name of table " + table + ": " + std::strerror(error));
}

Owner::~Owner() {
    close(descriptor_);
}

}  // namespace sipalg::nft
