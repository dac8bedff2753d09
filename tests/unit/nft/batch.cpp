#include "nft/batch.hpp"

#include <doctest/doctest.h>

#include <cstring>

#include "tests/unit/nft/messages.hpp"

using namespace sipalg::nft;
using sipalg::nft::test::messages;

TEST_CASE("a batch has markers at both ends, numbers, and one acknowledgement request") {
    Batch batch;
    CHECK(batch.empty());
    mnl_attr_put_strz(batch.open(NFT_MSG_NEWTABLE, NLM_F_CREATE, 1, "the table"), NFTA_TABLE_NAME, "t");
    batch.open(NFT_MSG_DELTABLE, 0, 1, "another");
    CHECK(batch.size() == 2);
    CHECK(batch.label(1) == "the table");
    CHECK(batch.label(2) == "another");
    CHECK(batch.label(0) == "transaction");
    CHECK(batch.label(3) == "transaction");

    const auto seen = messages(batch.seal(100, true));
    REQUIRE(seen.size() == 4);
    CHECK(seen[0].type == NFNL_MSG_BATCH_BEGIN);
    CHECK(seen[1].type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE));
    CHECK(seen[1].flags == (NLM_F_REQUEST | NLM_F_CREATE));
    CHECK(seen[2].flags == (NLM_F_REQUEST | NLM_F_ACK));
    CHECK(seen[3].type == NFNL_MSG_BATCH_END);
    for (std::uint32_t i = 0; i < 4; ++i)
        CHECK(seen[i].sequence == 100 + i);
}

TEST_CASE("a rehearsal has no end marker") {
    Batch batch;
    batch.open(NFT_MSG_DELTABLE, 0, 1, "x");
    const auto seen = messages(batch.seal(1, false));
    REQUIRE(seen.size() == 2);
    CHECK(seen.back().type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELTABLE));
    CHECK((seen.back().flags & NLM_F_ACK) != 0);
}

TEST_CASE("a batch grows, and is empty after clear") {
    Batch batch;
    for (int i = 0; i < 1000; ++i) {
        const std::string filler(500, 'x');
        mnl_attr_put(batch.open(NFT_MSG_NEWSETELEM, 0, 1, "x"), 1, filler.size(), filler.data());
    }
    CHECK(messages(batch.seal(1, true)).size() == 1002);
    batch.clear();
    CHECK(batch.empty());
    batch.open(NFT_MSG_DELTABLE, 0, 1, "y");
    CHECK(messages(batch.seal(1, true)).size() == 3);
}

TEST_CASE("messages of a type are counted") {
    Batch batch;
    batch.open(NFT_MSG_NEWRULE, 0, 1, "x");
    mnl_attr_put_strz(batch.open(NFT_MSG_NEWCHAIN, 0, 1, "x"), NFTA_CHAIN_TABLE, "a table");
    batch.open(NFT_MSG_NEWRULE, 0, 1, "x");
    batch.seal(1, true);
    CHECK(batch.count(NFT_MSG_NEWRULE) == 2);
    CHECK(batch.count(NFT_MSG_NEWCHAIN) == 1);
    CHECK(batch.count(NFT_MSG_DELRULE) == 0);
    batch.clear();
    CHECK(batch.count(NFT_MSG_NEWRULE) == 0);
}
