#include "nft/table_lock.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "nft/settings.hpp"

namespace sipalg::nft {

TableLock::TableLock(const std::string& table) : socket_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    if (!socket_) throw Error(std::string("opening a socket: ") + std::strerror(errno));
    const std::string name = "sipalg/" + table;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy(name.begin(), name.end(), address.sun_path + 1);  // a leading zero makes it abstract
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    if (bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0) return;
    if (errno == EADDRINUSE)
        throw Error("another sipalgd owns table " + table +
                    " in this network namespace; stop it, or choose another table name with --table");
    throw Error("locking table " + table + ": " + std::strerror(errno));
}

}  // namespace sipalg::nft
