#include "nft/offload_helper.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_cthelper.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "alg/sys/attributes.hpp"
#include "nft/settings.hpp"
#include "tests/unit/fake_kernel.hpp"

using namespace sipalg;
using namespace sipalg::nft;
using sipalg::test::FakeKernel;

namespace {

struct Asked {
    int type = 0;
    std::string name;
    int family = 0, transport = 0;
    std::map<int, std::uint32_t> numbers;  // top-level attributes of four bytes
    std::map<int, std::uint32_t> policy;
};

std::uint32_t number(const nlattr* attribute) {
    return mnl_attr_get_payload_len(attribute) == 4 ? ntohl(mnl_attr_get_u32(attribute)) : 0;
}

// The attributes inside another one.
std::map<int, const nlattr*> inside(const nlattr* nest) {
    std::map<int, const nlattr*> found;
    mnl_attr_parse_nested(
        nest,
        [](const nlattr* attribute, void* all) {
            (*static_cast<std::map<int, const nlattr*>*>(all))[mnl_attr_get_type(attribute)] = attribute;
            return MNL_CB_OK;
        },
        &found);
    return found;
}

Asked parse(const nlmsghdr* message) {
    Asked asked;
    CHECK((message->nlmsg_type >> 8) == NFNL_SUBSYS_CTHELPER);
    asked.type = message->nlmsg_type & 0xff;
    for (const nlattr* attribute : netlink::Attributes(message, sizeof(nfgenmsg))) {
        const int type = mnl_attr_get_type(attribute);
        if (type == NFCTH_NAME) {
            asked.name = mnl_attr_get_str(attribute);
        } else if (type == NFCTH_TUPLE) {
            const auto tuple = inside(attribute);
            asked.family = ntohs(mnl_attr_get_u16(tuple.at(NFCTH_TUPLE_L3PROTONUM)));
            asked.transport = mnl_attr_get_u8(tuple.at(NFCTH_TUPLE_L4PROTONUM));
        } else if (type == NFCTH_POLICY) {
            const auto policies = inside(attribute);
            asked.policy[0] = number(policies.at(NFCTH_POLICY_SET_NUM));
            for (const auto& [field, value] : inside(policies.at(NFCTH_POLICY_SET1)))
                if (field != NFCTH_POLICY_NAME) asked.policy[field] = number(value);
        } else {
            asked.numbers[type] = number(attribute);
        }
    }
    return asked;
}

struct Fixture {
    // Answers each request with an error number of `answers`; the last one goes on.
    explicit Fixture(std::vector<int> answers) : answers_(std::move(answers)) {
        kernel.on_request = [this](const nlmsghdr* request) {
            asked.push_back(parse(request));
            kernel.error(request, answers_[std::min(asked.size(), answers_.size()) - 1]);
        };
    }
    FakeKernel kernel;
    std::vector<Asked> asked;

  private:
    std::vector<int> answers_;
};

}  // namespace

TEST_CASE("A8 the helper is registered for both families and transports, and stays unconfigured") {
    Fixture f({0});
    CHECK(register_offload_helper(f.kernel));
    REQUIRE(f.asked.size() == 4);
    std::map<std::pair<int, int>, int> seen;
    for (const Asked& asked : f.asked) {
        CHECK(asked.type == NFNL_MSG_CTHELPER_NEW);
        CHECK(asked.name == "sipalg");
        ++seen[{asked.family, asked.transport}];
        // nfnl_cthelper_create() wants a policy and the size of private data; NFCTH_STATUS would configure
        // it.
        CHECK(asked.numbers.contains(NFCTH_PRIV_DATA_LEN));
        CHECK_FALSE(asked.numbers.contains(NFCTH_STATUS));
        CHECK(asked.policy == std::map<int, std::uint32_t>{
                                  {0, 1}, {NFCTH_POLICY_EXPECT_MAX, 1}, {NFCTH_POLICY_EXPECT_TIMEOUT, 1}});
    }
    CHECK(seen == std::map<std::pair<int, int>, int>{{{2, 6}, 1}, {{2, 17}, 1}, {{10, 6}, 1}, {{10, 17}, 1}});
}

TEST_CASE(
    "A8 a helper that is registered already is no error; a kernel without helpers is known by its answer") {
    Fixture present({EEXIST}), no_module({EINVAL}), no_permission({EPERM}), failing({ENOMEM});
    CHECK(register_offload_helper(present.kernel));
    CHECK_FALSE(register_offload_helper(no_module.kernel));
    CHECK_FALSE(register_offload_helper(no_permission.kernel));
    CHECK_THROWS_AS(static_cast<void>(register_offload_helper(failing.kernel)), Error);
}

TEST_CASE("A8 looking for the helper registers nothing") {
    Fixture all({0}), some({0, ENOENT, 0}), none({ENOENT}), no_module({EINVAL}), failing({ENOMEM});
    CHECK(find_offload_helper(all.kernel) == OffloadHelper::registered);
    CHECK(find_offload_helper(some.kernel) == OffloadHelper::possible);
    CHECK(find_offload_helper(none.kernel) == OffloadHelper::possible);
    CHECK(find_offload_helper(no_module.kernel) == OffloadHelper::unsupported);
    CHECK_THROWS_AS(static_cast<void>(find_offload_helper(failing.kernel)), Error);
    for (const Fixture* f : {&all, &some, &none, &no_module})
        for (const Asked& asked : f->asked)
            CHECK(asked.type == NFNL_MSG_CTHELPER_GET);
}
