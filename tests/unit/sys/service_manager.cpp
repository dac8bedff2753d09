#include "alg/sys/service_manager.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <string>

#include "alg/sys/fd.hpp"

using namespace sipalg;

namespace {

// A service manager that listens at a name of sd_notify(3).
class Manager {
  public:
    explicit Manager(const std::string& name) : name_(name), socket_(::socket(AF_UNIX, SOCK_DGRAM, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        REQUIRE(name.size() < sizeof address.sun_path);
        std::copy(name.begin(), name.end(), address.sun_path);
        if (is_abstract()) address.sun_path[0] = '\0';
        const auto size =
            static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + (is_abstract() ? 0 : 1));
        REQUIRE(bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0);
        setenv("NOTIFY_SOCKET", name.c_str(), 1);
    }
    ~Manager() {
        unsetenv("NOTIFY_SOCKET");
        if (!is_abstract()) unlink(name_.c_str());
    }
    Manager(const Manager&) = delete;
    Manager& operator=(const Manager&) = delete;

    /// Empty: none.
    std::string received() const {
        std::array<char, 256> bytes{};
        const ssize_t size = recv(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
        return size > 0 ? std::string(bytes.data(), static_cast<std::size_t>(size)) : std::string();
    }

  private:
    bool is_abstract() const { return name_[0] == '@'; }

    std::string name_;
    Fd socket_;
};

std::string unique(const char* prefix) {
    return prefix + std::to_string(getpid());
}

}  // namespace

TEST_CASE("the service manager gets one datagram, at a path and at an abstract name") {
    for (const std::string& name : {unique("/tmp/sipalg-notify-"), unique("@sipalg-notify-")}) {
        const Manager manager(name);
        tell_service_manager("READY=1\nSTATUS=Serving, outside wan");
        CHECK(manager.received() == "READY=1\nSTATUS=Serving, outside wan");
        CHECK(manager.received().empty());
    }
}

TEST_CASE("without a service manager, or with an invalid socket name, nothing is sent") {
    tell_service_manager("READY=1");
    for (const std::string& name : {std::string(), std::string("relative"), "/" + std::string(200, 'x')}) {
        setenv("NOTIFY_SOCKET", name.c_str(), 1);
        CHECK_NOTHROW(tell_service_manager("READY=1"));
    }
    unsetenv("NOTIFY_SOCKET");
}
