#include "alg/daemon/run/verdict_buffer.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_queue.h>

#include <array>
#include <cerrno>
#include <deque>
#include <map>

using namespace sipalg;
using namespace sipalg::daemon;

namespace {

/// Takes verdicts in the kernel's place; fails with the errors that the test lists, one a call.
struct Kernel {
    std::deque<int> errors;
    std::vector<std::uint32_t> taken;              ///< packet numbers
    std::map<std::uint32_t, std::uint32_t> marks;  ///< of packets whose mark a verdict has set
    int calls = 0;

    ssize_t send(const void* bytes, std::size_t size) {
        ++calls;
        if (!errors.empty() && errors.front() != 0) {
            errno = errors.front();
            errors.pop_front();
            return -1;
        }
        if (!errors.empty()) errors.pop_front();
        const auto* message = static_cast<const nlmsghdr*>(bytes);
        for (int left = static_cast<int>(size); mnl_nlmsg_ok(message, left);
             message = mnl_nlmsg_next(message, &left)) {
            std::array<nlattr*, NFQA_MAX + 1> attributes{};
            REQUIRE(nfq_nlmsg_parse(message, attributes.data()) >= 0);
            REQUIRE(attributes[NFQA_VERDICT_HDR] != nullptr);
            const auto* verdict =
                static_cast<const nfqnl_msg_verdict_hdr*>(mnl_attr_get_payload(attributes[NFQA_VERDICT_HDR]));
            taken.push_back(ntohl(verdict->id));
            if (const nlattr* mark = attributes[NFQA_MARK])
                marks[ntohl(verdict->id)] = ntohl(mnl_attr_get_u32(mark));
        }
        return static_cast<ssize_t>(size);
    }
};

struct Fixture {
    Kernel kernel;
    VerdictBuffer buffer{5060,
                         [this](const void* bytes, std::size_t size) { return kernel.send(bytes, size); }};
    void put(std::uint32_t first, std::uint32_t last) {
        for (std::uint32_t id = first; id <= last; ++id)
            buffer.put(id, NF_ACCEPT, {});
    }
};

using Ids = std::vector<std::uint32_t>;

}  // namespace

TEST_CASE_FIXTURE(Fixture, "X11 a verdict sets the mark of its packet, and leaves the others'") {
    buffer.put(1, NF_ACCEPT, {}, 0x41);
    buffer.put(2, NF_DROP, {});
    const std::array<std::uint8_t, 3> packet{1, 2, 3};
    buffer.put(3, NF_ACCEPT, packet, 0);
    CHECK(buffer.flush());
    CHECK(kernel.taken == Ids{1, 2, 3});
    CHECK(kernel.marks == std::map<std::uint32_t, std::uint32_t>{{1, 0x41}, {3, 0}});
}

TEST_CASE("law 2: the verdicts of one read leave in one system call") {
    Fixture f;
    f.put(1, 3);
    CHECK(f.buffer.flush());
    CHECK(f.kernel.calls == 1);
    CHECK(f.kernel.taken == Ids{1, 2, 3});
    CHECK(f.buffer.flush());
    CHECK(f.kernel.calls == 1);
}

TEST_CASE("law 2: an interrupted send is repeated") {
    Fixture f;
    f.kernel.errors = {EINTR, EINTR};
    f.put(1, 2);
    CHECK(f.buffer.flush());
    CHECK(f.kernel.taken == Ids{1, 2});
}

TEST_CASE("law 2: when the kernel has no room for all verdicts, it gets them one by one") {
    for (const int error : {ENOBUFS, ENOMEM, EAGAIN, EMSGSIZE}) {
        Fixture f;
        f.kernel.errors = {error};
        f.put(1, 3);
        CHECK(f.buffer.flush());
        CHECK(f.kernel.calls == 4);
        CHECK(f.kernel.taken == Ids{1, 2, 3});
        CHECK(f.buffer.lost() == 0);
    }
}

TEST_CASE("law 2: verdicts that the kernel has no memory for are kept and sent again") {
    Fixture f;
    f.kernel.errors = {ENOBUFS, 0, ENOBUFS};
    f.put(1, 3);
    CHECK_FALSE(f.buffer.flush());
    CHECK(f.buffer.has_kept());
    CHECK(f.kernel.taken == Ids{1});
    f.put(4, 4);
    CHECK(f.buffer.flush());
    CHECK_FALSE(f.buffer.has_kept());
    CHECK(f.kernel.taken == Ids{1, 2, 3, 4});
    CHECK(f.buffer.lost() == 0);
}

TEST_CASE("law 2: a verdict that the kernel always refuses is counted as lost, and the others arrive") {
    Fixture f;
    f.kernel.errors = {EPERM, 0, EPERM, 0};
    f.put(1, 3);
    CHECK(f.buffer.flush());
    CHECK(f.kernel.taken == Ids{1, 3});
    CHECK(f.buffer.lost() == 1);
}

TEST_CASE("X7 kept verdicts have a limit, and discarded ones are counted") {
    Fixture f;
    const std::vector<std::uint8_t> packet(60'000);
    f.kernel.errors.assign(1000, ENOBUFS);
    for (std::uint32_t id = 1; id <= 30; ++id) {
        f.buffer.put(id, NF_ACCEPT, packet);
        CHECK_FALSE(f.buffer.flush());
    }
    CHECK(f.buffer.lost() == 30 - VerdictBuffer::most_kept / 60'000);
    f.kernel.errors.clear();
    CHECK(f.buffer.flush());
    CHECK(f.kernel.taken.size() + f.buffer.lost() == 30);
    CHECK(f.kernel.taken.back() == 30);
}
