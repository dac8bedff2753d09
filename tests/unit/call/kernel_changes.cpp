// What a call costs the kernel: transactions and operations on elements.
#include <doctest/doctest.h>

#include <string>
#include <variant>

#include "tests/unit/call/long_call.hpp"

namespace sipalg {

namespace {

// The operations of one transaction, for example "mappings +6, records +2"; empty: no transaction. A
// mapping is an element in each of two maps, and to renew an element is to delete it and to add it.
std::string operations(const Decision& decision) {
    struct Kind {
        const char* name;
        int added = 0, deleted = 0;
    };
    Kind kinds[] = {{"mappings"}, {"pinholes"}, {"records"}};
    for (const Change& change : decision.changes) {
        const bool mapping = std::holds_alternative<Mapping>(change.element);
        Kind& kind = kinds[mapping ? 0 : std::holds_alternative<Pinhole>(change.element) ? 1 : 2];
        if (change.op != Change::Op::remove) kind.added += mapping ? 2 : 1;
        if (change.op != Change::Op::add) kind.deleted += mapping ? 2 : 1;
    }
    std::string text;
    for (const Kind& kind : kinds) {
        if (kind.added + kind.deleted == 0) continue;
        text += (text.empty() ? "" : ", ") + std::string(kind.name);
        if (kind.added) text += " +" + std::to_string(kind.added);
        if (kind.deleted) text += " -" + std::to_string(kind.deleted);
    }
    return text;
}

}  // namespace

TEST_CASE("P2 A5 a call changes the kernel when it begins, when it is answered and when it ends") {
    test::LongCall call;
    const auto request = [&](const char* method, const std::string& number, bool described) {
        call.say(Side::inside, std::string(method) + " sip:b@p.test SIP/2.0", number + " " + method,
                 described);
        return operations(call.decision);
    };
    const auto response = [&](const char* status, const std::string& cseq, bool described) {
        call.say(Side::outside, std::string("SIP/2.0 ") + status, cseq, described);
        return operations(call.decision);
    };
    CHECK(request("INVITE", "1000", true) == "mappings +6, records +1");
    CHECK(response("100 Trying", "1000 INVITE", false) == "pinholes +3, records +1 -1");  // X11
    CHECK(response("180 Ringing", "1000 INVITE", false) == "records +1 -1");
    CHECK(response("180 Ringing", "1000 INVITE", false) == "");
    CHECK(response("200 OK", "1000 INVITE", true) == "records +2 -1");
    CHECK(request("ACK", "1000", false) == "");
    CHECK(request("BYE", "1001", false) == "");
    CHECK(response("200 OK", "1001 BYE", false) == "mappings -4, pinholes -3, records -2");
}

}  // namespace sipalg
