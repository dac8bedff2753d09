#include "nft/link.hpp"

#include <doctest/doctest.h>
#include <linux/netfilter/nf_tables.h>

#include <cerrno>
#include <memory>

#include "nft/settings.hpp"
#include "tests/unit/fake_kernel.hpp"

using namespace sipalg;
using namespace sipalg::nft;
using sipalg::test::FakeKernel;

namespace {

struct Fixture {
    Fixture() {
        auto channel = std::make_unique<FakeKernel>();
        kernel = channel.get();
        link = std::make_unique<Link>(std::move(channel));
        batch.open(NFT_MSG_NEWTABLE, 0, 1, "first");
        batch.open(NFT_MSG_NEWSET, 0, 1, "second");
    }
    /// An answer to message `number` of the batch; 0 is the begin marker.
    void answer(const nlmsghdr* begin, std::uint32_t number, int error) const {
        nlmsghdr copy = *begin;
        copy.nlmsg_seq += number;
        kernel->error(&copy, error);
    }
    bool list() {
        return link->list(NFT_MSG_GETRULE, 1, {}, [](const nlmsghdr*) {});
    }

    std::unique_ptr<Link> link;
    FakeKernel* kernel = nullptr;
    Batch batch;
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "law 1: a batch is in force when its last message is acknowledged") {
    kernel->on_request = [&](const nlmsghdr* begin) { answer(begin, 2, 0); };
    CHECK(link->commit(batch));
    Batch empty;
    CHECK(link->commit(empty));
}

TEST_CASE_FIXTURE(Fixture, "law 1: a batch without an answer, or with that of an earlier one, is refused") {
    std::uint32_t earlier = 0;
    kernel->on_request = [&](const nlmsghdr* begin) { earlier = begin->nlmsg_seq; };
    const auto silent = link->commit(batch);
    REQUIRE_FALSE(silent);
    CHECK(silent.error().error == ENOBUFS);
    kernel->on_request = [&](const nlmsghdr* begin) {
        nlmsghdr copy = *begin;
        copy.nlmsg_seq = earlier + 2;
        kernel->error(&copy, 0);
    };
    batch.clear();
    batch.open(NFT_MSG_NEWTABLE, 0, 1, "first");
    CHECK_FALSE(link->commit(batch));
}

TEST_CASE_FIXTURE(Fixture, "a refusal names the refused message") {
    kernel->on_request = [&](const nlmsghdr* begin) {
        answer(begin, 2, EEXIST);
        answer(begin, 2, 0);
    };
    const auto refused = link->commit(batch);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().error == EEXIST);
    CHECK(refused.error().reason == "the kernel refuses second: File exists");
    kernel->fail_send(EMSGSIZE);
    batch.clear();
    batch.open(NFT_MSG_NEWTABLE, 0, 1, "first");
    const auto unsent = link->commit(batch);
    REQUIRE_FALSE(unsent);
    CHECK(unsent.error().error == EMSGSIZE);
}

TEST_CASE_FIXTURE(Fixture, "a dump of a missing object is distinguished from a failed dump") {
    kernel->on_request = [&](const nlmsghdr* request) { kernel->done(request); };
    CHECK(list());
    kernel->on_request = [&](const nlmsghdr* request) { kernel->error(request, ENOENT); };
    CHECK_FALSE(list());
    kernel->on_request = [&](const nlmsghdr* request) { kernel->done(request, ENOENT); };
    CHECK_FALSE(list());
    kernel->on_request = [&](const nlmsghdr* request) { kernel->error(request, EPERM); };
    CHECK_THROWS_WITH_AS(list(), doctest::Contains("CAP_NET_ADMIN"), Error);
    kernel->on_request = [&](const nlmsghdr*) {};
    CHECK_THROWS_AS(list(), Error);
}
