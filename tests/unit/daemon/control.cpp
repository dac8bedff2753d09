#include "alg/daemon/control/control.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <vector>

using namespace sipalg;
using namespace sipalg::daemon;

namespace {

/// A directory of its own for each test, and what a client does.
struct Place {
    std::filesystem::path directory;
    Place() {
        std::string pattern = (std::filesystem::temp_directory_path() / "sipalg-XXXXXX").string();
        REQUIRE(mkdtemp(pattern.data()) != nullptr);
        directory = pattern;
    }
    ~Place() { std::filesystem::remove_all(directory); }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    std::string path() const { return directory / "c.sock"; }
    Fd connect_client() const {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        const std::string name = path();
        std::copy(name.begin(), name.end(), address.sun_path);
        Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        REQUIRE(connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        return fd;
    }
};

/// Runs the loop until the daemon has closed `client`; what it said until then.
std::string serve_until_closed(Loop& loop, ControlSocket& control, const Fd& client,
                               Time clock_ahead = Time(0)) {
    std::string text;
    bool closed = false;
    loop.after_wake_up([&](Time now) -> std::optional<Time> {
        std::array<char, 65536> buffer{};
        ssize_t size = 0;
        while ((size = recv(client.get(), buffer.data(), buffer.size(), 0)) > 0)
            text.append(buffer.data(), static_cast<std::size_t>(size));
        closed = closed || size == 0 || errno == ECONNRESET;
        if (closed) loop.stop();
        control.advance(now + clock_ahead);
        return now + Time(1);
    });
    loop.run();
    return text;
}

void say(const Fd& client, std::string_view text) {
    REQUIRE(send(client.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
}

}  // namespace

TEST_CASE(
    "X9 one request, one reply, then the connection closes; without a control group only the owner may "
    "connect") {
    const Place place;
    Loop loop;
    ControlSocket control(place.path());
    control.serve(loop, [](std::string_view request, const ControlClient&) {
        return "<" + std::string(request) + ">";
    });
    struct stat status {};
    REQUIRE(stat(place.path().c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
    const Fd client = place.connect_client();
    say(client, "{\"command\":\"calls\"}\nmore");
    CHECK(serve_until_closed(loop, control, client) == "<{\"command\":\"calls\"}>\n");
}

TEST_CASE("X9 socket and directory belong to the user that the daemon changes to") {
    if (geteuid() != 0) return;
    const Place place;
    const std::string path = place.directory / "made" / "c.sock";
    const ControlSocket control(path, {.control = 4242, .admin = {}}, Identity{4240, 4241});
    struct stat status {};
    REQUIRE(stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0660);
    CHECK(status.st_uid == 4240);
    CHECK(status.st_gid == 4242);
    REQUIRE(stat((place.directory / "made").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0750);
    CHECK(status.st_uid == 4240);
    CHECK(status.st_gid == 4242);
}

TEST_CASE("a request may end with the end of the stream") {
    const Place place;
    Loop loop;
    ControlSocket control(place.path());
    control.serve(loop, [](std::string_view request, const ControlClient&) { return std::string(request); });
    const Fd client = place.connect_client();
    say(client, "{}");
    shutdown(client.get(), SHUT_WR);
    CHECK(serve_until_closed(loop, control, client) == "{}\n");
}

TEST_CASE("a reply that does not fit the socket buffer arrives whole") {
    const Place place;
    Loop loop;
    ControlSocket control(place.path());
    std::string large(5'000'000, 'x');
    control.serve(loop, [&](std::string_view, const ControlClient&) { return large; });
    const Fd client = place.connect_client();
    say(client, "\n");
    CHECK(serve_until_closed(loop, control, client) == large + "\n");
}

TEST_CASE("X7 a client with an endless request is closed") {
    const Place place;
    Loop loop;
    ControlSocket control(place.path());
    bool answered = false;
    control.serve(loop, [&](std::string_view, const ControlClient&) { return answered = true, ""; });
    const Fd client = place.connect_client();
    say(client, std::string(ControlSocket::longest_request + 2048, 'x'));
    CHECK(serve_until_closed(loop, control, client).empty());
    CHECK_FALSE(answered);
}

TEST_CASE("a silent client is closed after a time") {
    const Place place;
    Loop loop;
    ControlSocket control(place.path());
    control.serve(loop, [](std::string_view, const ControlClient&) { return ""; });
    const Fd client = place.connect_client();
    CHECK(serve_until_closed(loop, control, client, ControlSocket::patience).empty());
}

TEST_CASE("clients above the limit wait, and are served when there is room") {
    const Place place;
    Loop loop;
    ControlSocket control(place.path());
    control.serve(loop, [](std::string_view, const ControlClient&) { return "late"; });
    std::vector<Fd> silent;
    for (std::size_t i = 0; i < ControlSocket::most_clients; ++i)
        silent.push_back(place.connect_client());
    const Fd client = place.connect_client();
    say(client, "\n");
    // One wake-up accepts as many as there is room for; the last one is not among them.
    const Time start = loop.now();
    loop.after_wake_up([&](Time now) -> std::optional<Time> {
        if (now > start + Time(20)) loop.stop();
        return now + Time(5);
    });
    loop.run();
    char byte = 0;
    CHECK(recv(client.get(), &byte, 1, 0) < 0);
    silent.pop_back();
    CHECK(serve_until_closed(loop, control, client) == "late\n");
}

TEST_CASE("the socket of a killed daemon is replaced; that of a running one, or another file, is not") {
    const Place place;
    {
        const ControlSocket living(place.path());
        CHECK_THROWS_WITH(
            ControlSocket(place.path()),
            doctest::Contains("another sipalgd is using it; stop that one or choose another path"));
    }
    CHECK_FALSE(std::filesystem::exists(place.path()));
    {
        // A killed daemon leaves a socket file without a listener.
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        const std::string name = place.path();
        std::copy(name.begin(), name.end(), address.sun_path);
        const Fd dead(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        REQUIRE(bind(dead.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    }
    { const ControlSocket taken(place.path()); }
    std::ofstream(place.path()) << "precious";
    CHECK_THROWS_WITH(ControlSocket(place.path()), doctest::Contains("is not a socket"));
    CHECK(std::filesystem::file_size(place.path()) == 8);
}

TEST_CASE("a missing directory is made, a missing path above it is not") {
    const Place place;
    { const ControlSocket control(place.directory / "run" / "c.sock"); }
    CHECK(std::filesystem::is_directory(place.directory / "run"));
    CHECK_THROWS_WITH(ControlSocket(place.directory / "a" / "b" / "c.sock"),
                      doctest::Contains("choose another path with --control"));
}

namespace {

/// While it exists, this process gets no further descriptor.
class NoDescriptors {
  public:
    NoDescriptors() {
        REQUIRE(getrlimit(RLIMIT_NOFILE, &before_) == 0);
        const Fd free(dup(STDERR_FILENO));  // the lowest free number
        rlimit none = before_;
        none.rlim_cur = static_cast<rlim_t>(free.get());
        REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
    }
    ~NoDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }
    NoDescriptors(const NoDescriptors&) = delete;
    NoDescriptors& operator=(const NoDescriptors&) = delete;

  private:
    rlimit before_{};
};

}  // namespace

TEST_CASE("without a free descriptor a client waits, and the loop sleeps in the meantime") {
    const Place place;
    Loop loop;
    ControlSocket control(place.path());
    control.serve(loop, [](std::string_view, const ControlClient&) { return "late"; });
    const Fd client = place.connect_client();
    say(client, "\n");
    int wake_ups = 0;
    {
        const NoDescriptors none;
        const Time start = boot_time();
        loop.after_wake_up([&](Time now) -> std::optional<Time> {
            ++wake_ups;
            if (now >= start + 3 * ControlSocket::pause) loop.stop();
            const Time end = start + 3 * ControlSocket::pause;
            return std::min(end, control.advance(now).value_or(end));
        });
        loop.run();
    }
    CHECK(wake_ups < 20);
    CHECK(serve_until_closed(loop, control, client) == "late\n");
}

TEST_CASE("X9 with an admin group everyone may connect, and the kernel's credentials decide") {
    const Place place;
    Loop loop;
    ControlSocket control(place.path(), {std::nullopt, getegid()});
    struct stat status {};
    REQUIRE(stat(place.path().c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0666);
    std::optional<ControlClient> seen;
    control.serve(loop, [&](std::string_view, const ControlClient& who) { return seen = who, "yes"; });
    const Fd client = place.connect_client();
    say(client, "\n");
    CHECK(serve_until_closed(loop, control, client) == "yes\n");
    REQUIRE(seen);
    CHECK(seen->user == geteuid());
}

namespace {

facts::Fact event(const std::string& subject) {
    return {Time(0), false, Event{Event::Kind::call_offered, subject, ""}};
}

/// Everything that has arrived.
std::string received(const Fd& client) {
    std::string text;
    std::array<char, 65536> buffer{};
    ssize_t size = 0;
    while ((size = recv(client.get(), buffer.data(), buffer.size(), 0)) > 0)
        text.append(buffer.data(), static_cast<std::size_t>(size));
    return text;
}

/// Runs the loop until `done`.
void serve_until(Loop& loop, const std::function<bool()>& done) {
    loop.after_wake_up([&](Time now) -> std::optional<Time> {
        if (done()) loop.stop();
        return now + Time(1);
    });
    loop.run();
}

}  // namespace

TEST_CASE("X7 a reader of facts that does not read loses facts, gets their number, and delays no other") {
    const Place place;
    Loop loop;
    ControlSocket control(place.path());
    std::vector<facts::Interest> interests;
    control.serve(loop, [](std::string_view, const ControlClient&) { return std::string("{}"); });
    control.serve_streams(
        [](std::string_view request, const ControlClient&) -> std::optional<ControlSocket::Subscription> {
            if (request != "w") return std::nullopt;
            return ControlSocket::Subscription{"begin", *FactStream::of(Json::object())};
        },
        [&](facts::Interest interest) { interests.push_back(interest); });
    Fd slow = place.connect_client();
    say(slow, "w\n");
    serve_until(loop, [&] { return control.streams() == 1; });
    const std::vector<facts::Fact> many(1000, event(std::string(1000, 'x')));
    for (int i = 0; i < 10; ++i)
        control.publish(many, 0, {});
    std::string text = received(slow);
    CHECK(text.size() < 2 * ControlSocket::most_waiting);
    // What waits arrives as soon as it reads.
    serve_until(loop, [&] {
        text += received(slow);
        return text.size() > ControlSocket::most_waiting;
    });
    const std::vector<facts::Fact> last(1, event("last"));
    serve_until(loop, [&] {
        text += received(slow);
        control.publish(last, 0, {});
        return text.find("\"last\"") != std::string::npos;
    });
    CHECK(text.starts_with("begin\n{"));
    CHECK(text.find("{\"type\":\"lost\",\"count\":") != std::string::npos);
    CHECK(interests == std::vector{facts::Interest::everything});
    slow = Fd();
    serve_until(loop, [&] { return control.streams() == 0; });
    CHECK(interests == std::vector{facts::Interest::everything, facts::Interest::nothing});
}

TEST_CASE("O8 a reader gets the facts that it wants") {
    const auto lines = [](const Json& request, const facts::Fact& fact) {
        auto stream = FactStream::of(request);
        REQUIRE(stream);
        return (*stream).line(fact, {});
    };
    facts::Message message;
    message.call_id = "abc@host";
    message.method = "INVITE";
    message.seen.phone = *Endpoint::parse("192.168.1.10:5060");
    message.seen.before = "Authorization: Digest response=\"1\"";
    const facts::Fact fact{Time(0), false, message};
    CHECK(lines(Json::object(), fact).find("\"before\"") == std::string::npos);
    CHECK(lines({{"bytes", true}}, fact).find(facts::base64("Authorization: Digest response=\"x\"")) !=
          std::string::npos);
    CHECK(lines({{"bytes", true}, {"credentials", true}}, fact).find(facts::base64(message.seen.before)) !=
          std::string::npos);
    CHECK(!lines({{"call", "ab"}}, fact).empty());
    CHECK(lines({{"call", "b"}}, fact).empty());
    CHECK(!lines({{"phone", "192.168.1.10"}}, fact).empty());
    CHECK(lines({{"phone", "192.168.1.11"}}, fact).empty());
    CHECK(lines({{"call", "x"}}, event("abc@host")).empty());
    CHECK(lines({{"events", true}}, fact).empty());
    CHECK(!lines({{"events", true}}, event("abc@host")).empty());
    CHECK(!FactStream::of({{"phone", "x"}}));
    CHECK(!FactStream::of({{"phone", 1}}));
}
