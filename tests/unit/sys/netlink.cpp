#include "alg/sys/netlink.hpp"

#include <doctest/doctest.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "tests/unit/fake_kernel.hpp"

using namespace sipalg;
using namespace sipalg::netlink;
using sipalg::test::FakeKernel;

namespace {

constexpr std::uint16_t part = 100;  // the type of the messages of an answer

struct Request {
    Request() {
        header = mnl_nlmsg_put_header(bytes.data());
        header->nlmsg_type = 99;
    }
    alignas(nlmsghdr) std::array<char, 64> bytes{};
    nlmsghdr* header;
};

struct Fixture {
    std::error_code ask() { return talk.ask(Request().header, keep()); }
    std::error_code dump() { return talk.dump(Request().header, keep()); }
    std::error_code stream() { return talk.stream(Request().header, keep()); }
    Conversation::Each keep() {
        return [this](const nlmsghdr* message) { got.push_back(FakeKernel::number_in(message)); };
    }

    FakeKernel kernel;
    Conversation talk{kernel};
    std::vector<std::uint32_t> got;
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a request gets its answer and its acknowledgement") {
    kernel.on_request = [&](const nlmsghdr* request) {
        CHECK((request->nlmsg_flags & (NLM_F_REQUEST | NLM_F_ACK)) == (NLM_F_REQUEST | NLM_F_ACK));
        kernel.answer(request, part, 7);
        kernel.error(request, 0);
    };
    CHECK_FALSE(ask());
    CHECK(got == std::vector<std::uint32_t>{7});
}

TEST_CASE_FIXTURE(Fixture, "a refused request returns the kernel's error") {
    kernel.on_request = [&](const nlmsghdr* request) { kernel.error(request, EPERM); };
    CHECK(ask() == code_of(EPERM));
    CHECK(dump() == code_of(EPERM));
    CHECK(got.empty());
}

TEST_CASE_FIXTURE(Fixture, "a late answer is not taken for that of the next request") {
    std::vector<char> late;
    kernel.on_request = [&](const nlmsghdr* request) {
        late.assign(reinterpret_cast<const char*>(request),
                    reinterpret_cast<const char*>(request) + request->nlmsg_len);
    };
    CHECK(ask() == code_of(ETIMEDOUT));
    const auto* earlier = reinterpret_cast<const nlmsghdr*>(late.data());
    kernel.answer(earlier, part, 1);
    kernel.error(earlier, 0);
    kernel.on_request = [&](const nlmsghdr* request) {
        kernel.answer(request, part, 2);
        kernel.error(request, 0);
    };
    CHECK_FALSE(ask());
    CHECK(got == std::vector<std::uint32_t>{2});
}

TEST_CASE_FIXTURE(Fixture, "an answer to another socket is not taken") {
    kernel.on_request = [&](const nlmsghdr* request) {
        kernel.port = 1;
        kernel.answer(request, part, 1);
        kernel.port = 0;
        kernel.answer(request, part, 2);
        kernel.error(request, 0);
    };
    std::vector<std::uint32_t> others;
    Request request;
    CHECK_FALSE(talk.ask(request.header, keep(),
                         [&](const nlmsghdr* message) { others.push_back(FakeKernel::number_in(message)); }));
    CHECK(got == std::vector<std::uint32_t>{2});
    CHECK(others == std::vector<std::uint32_t>{1});
}

TEST_CASE_FIXTURE(Fixture, "a dump arrives in several datagrams and ends with NLMSG_DONE") {
    kernel.on_request = [&](const nlmsghdr* request) {
        CHECK((request->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP);
        for (std::uint32_t i = 1; i <= 3; ++i)
            kernel.answer(request, part, i);
        kernel.done(request);
    };
    CHECK_FALSE(dump());
    CHECK_FALSE(stream());
    CHECK(got == std::vector<std::uint32_t>{1, 2, 3, 1, 2, 3});
}

TEST_CASE_FIXTURE(Fixture, "an error in the middle of a dump is not its end") {
    kernel.on_request = [&](const nlmsghdr* request) {
        kernel.answer(request, part, 1);
        kernel.error(request, ENOMEM);
    };
    CHECK(dump() == code_of(ENOMEM));
    CHECK(got.empty());
    kernel.on_request = [&](const nlmsghdr* request) {
        kernel.answer(request, part, 1);
        kernel.done(request, ENOENT);
    };
    CHECK(dump() == code_of(ENOENT));
    CHECK(got.empty());
}

TEST_CASE_FIXTURE(Fixture, "an inconsistent dump is read again") {
    int readings = 0;
    kernel.on_request = [&](const nlmsghdr* request) {
        ++readings;
        kernel.answer(request, part, static_cast<std::uint32_t>(readings),
                      readings < 3 ? NLM_F_DUMP_INTR : 0);
        kernel.done(request);
    };
    CHECK_FALSE(dump());
    CHECK(readings == 3);
    CHECK(got == std::vector<std::uint32_t>{3});

    readings = -1'000;
    CHECK(dump() == code_of(EINTR));
    CHECK(readings == -1'000 + Conversation::attempts);
    CHECK(got.size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "NLM_F_DUMP_INTR in the last message of a dump counts") {
    int readings = 0;
    kernel.on_request = [&](const nlmsghdr* request) {
        kernel.answer(request, part, 1);
        kernel.done(request, 0, ++readings == 1 ? NLM_F_DUMP_INTR : 0);
    };
    CHECK_FALSE(dump());
    CHECK(readings == 2);
    CHECK(got == std::vector<std::uint32_t>{1});
    readings = 0;
    CHECK(stream() == code_of(EINTR));
}

TEST_CASE_FIXTURE(Fixture, "a dump with lost datagrams is read again") {
    int readings = 0;
    kernel.on_request = [&](const nlmsghdr* request) {
        kernel.answer(request, part, 1);
        if (++readings == 1) kernel.fail_receive(ENOBUFS);
        kernel.answer(request, part, 2);
        kernel.done(request);
    };
    CHECK_FALSE(dump());
    CHECK(readings == 2);
    CHECK(got == std::vector<std::uint32_t>{1, 2});
}

TEST_CASE_FIXTURE(Fixture, "the buffer grows for a datagram that is longer") {
    int readings = 0;
    kernel.on_request = [&](const nlmsghdr* request) {
        ++readings;
        kernel.answer(request, part, 1, 0, 50'000);
        kernel.done(request);
    };
    CHECK_FALSE(dump());
    CHECK(readings == 2);
    CHECK(got == std::vector<std::uint32_t>{1});
}

TEST_CASE_FIXTURE(Fixture, "a failed system call affects only its request") {
    kernel.on_request = [&](const nlmsghdr* request) { kernel.done(request); };
    kernel.fail_send(EPIPE);
    CHECK(dump() == code_of(EPIPE));
    CHECK_FALSE(dump());
    kernel.fail_send(ENOBUFS);
    CHECK(ask() == code_of(ENOBUFS));
    kernel.fail_receive(EBADF);
    CHECK(dump() == code_of(EBADF));
    CHECK_FALSE(dump());
}

TEST_CASE_FIXTURE(Fixture,
                  "if the kernel is silent, the request times out and the conversation stays usable") {
    CHECK(ask() == code_of(ETIMEDOUT));
    CHECK(dump() == code_of(ETIMEDOUT));
    CHECK(kernel.waits == std::vector<std::chrono::milliseconds>(2, Conversation::usual_patience));
    kernel.on_request = [&](const nlmsghdr* request) {
        kernel.answer(request, part, 1);
        kernel.done(request);
    };
    CHECK_FALSE(dump());
    CHECK(got == std::vector<std::uint32_t>{1});
}

TEST_CASE_FIXTURE(Fixture, "an abandoned dump is read to its end before the next begins") {
    kernel.on_request = [&](const nlmsghdr* request) {
        kernel.answer(request, part, 1);
        kernel.answer(request, part, 2);
        kernel.done(request);
    };
    Request request;
    const auto give_up = [](const nlmsghdr*) { throw 1; };
    CHECK_THROWS(static_cast<void>(talk.stream(request.header, give_up)));
    CHECK(kernel.pending() == 2);
    kernel.on_request = [&](const nlmsghdr* next) {
        CHECK(kernel.pending() == 0);
        kernel.answer(next, part, 3);
        kernel.done(next);
    };
    CHECK_FALSE(stream());
    CHECK(got == std::vector<std::uint32_t>{3});
}

TEST_CASE_FIXTURE(Fixture, "answers to several requests are assigned by number, without waiting") {
    const std::uint32_t first = talk.reserve(3);
    kernel.on_request = [&](const nlmsghdr* request) {
        nlmsghdr other = *request;
        for (std::uint32_t i = 0; i < 5; ++i) {
            other.nlmsg_seq = first - 1 + i;
            kernel.answer(&other, part, i);
        }
    };
    Request request;
    CHECK_FALSE(talk.send({request.bytes.data(), request.header->nlmsg_len}));
    std::vector<std::uint32_t> numbers;
    talk.answers(first, first + 2, [&](const nlmsghdr* message) {
        numbers.push_back(message->nlmsg_seq - first);
        return true;
    });
    CHECK(numbers == std::vector<std::uint32_t>{0, 1, 2});
    CHECK(kernel.waits.empty());
}

TEST_CASE("the real kernel answers requests and dumps") {
    Channel channel(ChannelOptions{.protocol = NETLINK_ROUTE});
    CHECK(channel.port() != 0);
    Conversation talk(channel);
    const auto put = [](std::span<char> bytes) {
        nlmsghdr* request = mnl_nlmsg_put_header(bytes.data());
        request->nlmsg_type = RTM_GETLINK;
        static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(request, sizeof(ifinfomsg)))->ifi_family =
            AF_UNSPEC;
        return request;
    };
    alignas(nlmsghdr) std::array<char, 64> bytes{};
    int links = 0;
    const auto count = [&](const nlmsghdr* message) { links += message->nlmsg_type == RTM_NEWLINK ? 1 : 0; };
    CHECK_FALSE(talk.dump(put(bytes), count));
    CHECK(links >= 1);  // loopback
    links = 0;
    nlmsghdr* request = put(bytes);
    static_cast<ifinfomsg*>(mnl_nlmsg_get_payload(request))->ifi_index = 1;
    CHECK_FALSE(talk.ask(request, count));
    CHECK(links == 1);
    request = put(bytes);
    static_cast<ifinfomsg*>(mnl_nlmsg_get_payload(request))->ifi_index = 0x7fff0000;
    CHECK(talk.ask(request) == code_of(ENODEV));
}
